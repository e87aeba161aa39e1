/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <address> of a device: reading it, and naming it. */

#include "guest/device.h"

/* Reads the device's <address>, if any; attributes that the type does not have are errors. */
void address_read(Guest *g, Device *d);

/* Whether the XML left the address, or the part of it that matters, to the placing; 00:00.0 is the host
 * bridge's. */
bool address_is_vacant(const Address *a);

/* Writes the address as the <address> of that element, in place of what it has. 0 or -ENOMEM. */
int address_write(XmlElement *e, const Address *a);

/* "PCI address 0000:00:1f.2" and so on, for findings. */
const char *address_text(Guest *g, const Address *a);

/* "1.2", as both the XML and QEMU write it; "" if only the bus is known. */
const char *address_usb_port(Guest *g, const Address *a);
