/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Removes the runtime directory of a stopped guest whose unit no longer names it. Call this in the host's
 * mounts, as root with CAP_CHOWN and CAP_DAC_READ_SEARCH. Failures are logged.
 */
void run_directory_forget(const char *guest);
