/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Whether the guest, which is off, has a runtime directory that its unit no longer names. Touches nothing
 * that others than root can write.
 */
bool run_directory_is_left(const char *guest);

/*
 * Removes that directory. Call this as root with CAP_CHOWN, CAP_FOWNER and CAP_DAC_READ_SEARCH. Failures are
 * logged.
 */
void run_directory_forget(const char *guest);
