/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starts QEMU and its helpers as children that cannot outlive the launcher. */

#include <sys/types.h>

#include "launcher/store/fds.h"

typedef enum ProcessFlags {
        PROCESS_SHUTS_ITSELF_IN = 1 << 0, /* may create namespaces, mount in them, and signal its children */
        PROCESS_PRIVATE_NETWORK = 1 << 1, /* has its own empty network instead of the unit's */
        PROCESS_PEERS = 1 << 2,           /* may connect to others, and pass descriptors to them */
} ProcessFlags;

/*
 * argv ends with NULL, argv[0] is an absolute path. The child gets the placed descriptors, /dev/null as
 * stdin, output as stdout and stderr, and no other descriptor. Returns once the program has been executed,
 * or else the negative errno, which is logged.
 */
int process_spawn(
        char *const *argv, Placement *placements, size_t count, int output, ProcessFlags flags, pid_t *ret);

/* Its directory in /proc, only as a place; -EBADF if that cannot be opened. */
int process_open(pid_t pid);

/*
 * "was killed by signal SIGKILL", "exited with status 1"; for a wait status of waitid(). A new string or
 * NULL.
 */
char *process_describe_end(int code, int status);
