/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * What the processes of vm-launcher may still do once they have what they need; beyond the sandbox of the
 * unit. Each cannot be undone. 0 or negative errno, logged.
 */

/* The launcher, before the guest runs. It can signal its children, and reach files in its directories. */
int confine_launcher(const pid_t *children, size_t n, const int *directories, size_t n_directories);

/* The helper, before it looks at its arguments; the processes it forks have the same filter. */
int confine_helper(void);

/* The helper, once the guest is prepared: no file of the host, only sockets. */
int confine_helper_to_sockets(void);

/* cleanup: as the helper, without TAPs. */
int confine_cleanup(void);
