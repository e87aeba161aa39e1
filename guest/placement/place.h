/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses that the XML leaves out, placed as libvirt places them; and the controllers that they take. */

typedef struct Guest Guest;

/* After every device is complete: gives each that plugs into a bus its address there, implying controllers
 * as needed. */
void place_devices(Guest *g);
