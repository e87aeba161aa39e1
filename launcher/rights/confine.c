/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launcher has QEMU's user and sandbox, but neither QEMU's filter nor QEMU's view of the file system: it
 * must start and kill QEMU, and has descriptors of the guest's directories on the host. Once QEMU is
 * started, it needs little of that. So before the guest's first instruction it takes from itself what would
 * make it worth being taken over: through a directory's descriptor no other file of the host can be reached,
 * and no program can be started, and no other process signalled. Sockets it creates for channels that are
 * added to a guest that runs.
 *
 * The helper and cleanup are root, or the user, outside of any sandbox. They need files anywhere on the host
 * while they prepare a guest or give its files back, but execute nothing and never do what systemd's
 * @system-service allows beyond the groups below.
 */

#include "launcher/rights/confine.h"

#include <malloc.h>

#include <errno.h>

#include "confine/allowed-calls.h"
#include "confine/landlock.h"
#include "log/log.h"

static int keep_directories(const int *directories, size_t n)
{
        int r = landlock_keep_directories(directories, n);

        if (r != -EOPNOTSUPP)
                return r < 0 ? log_errno(LOG_ERR, r, "Failed to restrict access to files") : 0;
        log_debug("Not restricting access to files further: the kernel has no Landlock.");
        return 0;
}

static int allow_only(CallGroup groups, const pid_t *targets, size_t n)
{
        int r = allowed_calls_install(groups, targets, n);

        return r < 0 ? log_errno(LOG_ERR, r, "Failed to restrict system calls") : 0;
}

int confine_launcher(const pid_t *children, size_t n, const int *directories, size_t n_directories)
{
        int r = keep_directories(directories, n_directories);

        if (r >= 0)
                r = allow_only(CALLS_SPEAK | CALLS_ANSWER | CALLS_LISTEN | CALLS_FILES, children, n);
        (void) malloc_trim(0); /* libseccomp needed much of what the launcher will not need again */
        return r;
}

int confine_helper(void)
{
        return allow_only(
                CALLS_SPEAK | CALLS_ANSWER | CALLS_NETLINK | CALLS_FILES | CALLS_ACCESS | CALLS_TAP |
                        CALLS_CHILDREN | CALLS_RIGHTS | CALLS_CODE,
                NULL, 0);
}

int confine_helper_to_sockets(void)
{
        return keep_directories(NULL, 0);
}

int confine_cleanup(void)
{
        return allow_only(
                CALLS_SPEAK | CALLS_NETLINK | CALLS_FILES | CALLS_ACCESS | CALLS_CHILDREN | CALLS_RIGHTS |
                        CALLS_CODE,
                NULL, 0);
}
