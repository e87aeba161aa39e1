/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* USB ports, and the hubs that they require. */

typedef struct Guest Guest;

#define USB_HUB_PORTS 8

void place_usb(Guest *g);
