/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <address> of a device: reading it, and telling QEMU of it. */

#include "guest/device.h"

/* Reads the device's <address>, where it has one; what does not fit the type is an error. */
void address_read(Guest *g, Device *d);

/* "0000:00:1f.2", "drive 0:0:0:1" and so on, for findings. */
const char *address_text(Guest *g, const Address *a);
