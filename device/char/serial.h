/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "device/char/chardev.h"

/* Adds the first serial port to a guest that has none, as its <console> describes it. */
void serial_imply(Guest *g, const Device *console, const Chardev *chardev);

/* Whether the first serial port is part of the machine, which libvirt counts as a console. */
bool serial_is_on_board(const Guest *g);

/* Whether "vmctl console" attaches to a serial port. */
bool serial_is_console(const Guest *g);
