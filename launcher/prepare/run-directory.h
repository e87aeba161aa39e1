/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Removes the run-time directory of a guest whose unit, now that it has stopped, does not name it any more.
 * To be called among the host's mounts, as root with CAP_CHOWN and CAP_DAC_READ_SEARCH. Failures are logged.
 */
void run_directory_forget(const char *guest);
