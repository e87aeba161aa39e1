/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that QEMU writes a serial port to. */

#include "launcher/grant/grant.h"

/*
 * Makes an empty file where there is none, for root alone; grant_take() hands it over. What is there stays
 * as it is. Failures are logged; -EPERM where others than root may write in its directory.
 */
int log_file_make(const Granting *granting, const char *path);
