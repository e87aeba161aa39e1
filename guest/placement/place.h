/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses that the XML omits, chosen as libvirt does, and the controllers that they require. */

typedef struct Guest Guest;

/* Gives each device on a bus its address, and adds controllers as needed. Every device must be complete. */
void place_devices(Guest *g);
