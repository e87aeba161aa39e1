/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* A filter for vmunit's own processes: it allows the system calls of some groups, and refuses all others. */

typedef enum CallGroup {
        CALLS_SPEAK = 1 << 0,    /* local sockets that exist or are created: send, receive, connect */
        CALLS_ANSWER = 1 << 1,   /* accept connections to a socket that listens */
        CALLS_NETLINK = 1 << 2,  /* netlink sockets */
        CALLS_FILES = 1 << 3,    /* create, rename and remove files */
        CALLS_ACCESS = 1 << 4,   /* change owners, modes and attributes; files by handle; device nodes */
        CALLS_TAP = 1 << 5,      /* configure TAPs */
        CALLS_CHILDREN = 1 << 6, /* fork, and wait for children */
        CALLS_RIGHTS = 1 << 7,   /* become another user, give up rights */
        CALLS_CODE = 1 << 8,     /* load libraries, such as those of the user database */
        CALLS_LISTEN = 1 << 9,   /* bind sockets and listen on them */
} CallGroup;

/*
 * Installs the filter for the calling process, whose children inherit it; cannot be undone. Without a group,
 * a process can read files, use descriptors, memory and timers, handle signals, and exit. It can send
 * signals to itself and to the n processes in `targets`; what it forks cannot even send them to itself.
 *
 * 0 or negative errno; the process is unchanged if the filter could not be built.
 */
int allowed_calls_install(CallGroup groups, const pid_t *targets, size_t n);
