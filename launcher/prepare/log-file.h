/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that QEMU writes a serial port's output to. Open this to change how they are created. */

#include "launcher/grant/grant.h"

/*
 * Creates an empty file, for root alone, if there is none; grant_take() hands it over. An existing file is
 * left unchanged. Failures are logged; -EPERM if users other than root can write in its directory.
 */
int log_file_make(const Granting *granting, const char *path);
