/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ports of virtio-serial controllers, and slots of smart card readers. */

typedef struct Guest Guest;

#define VIRTIO_SERIAL_PORTS_MAX 511

/* Implies the controllers that the XML's addresses name, or the
 * first one; and gives slots to smart cards. */
void place_serial_controllers(Guest *g);

/* Gives each console and channel a port, and adds controllers if the existing ones are full. */
void place_serial_ports(Guest *g);
