/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "device/char/chardev.h"

/* Makes the first serial port of a guest that has none, as its <console> describes it. */
void serial_imply(Guest *g, const Device *console, const Chardev *chardev);

/* Whether the first serial port is one of the machine's own, which libvirt counts as a console, too. */
bool serial_is_on_board(const Guest *g);

/* Whether a serial port is what "vmctl console" attaches to. */
bool serial_is_console(const Guest *g);
