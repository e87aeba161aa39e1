/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Refuses a process, and the programs it executes, system calls they do not need. */

typedef enum CallFilter {
        CALL_FILTER_SIGNALS = 1 << 0,    /* no signal to any other process */
        CALL_FILTER_NAMESPACES = 1 << 1, /* no namespace of its own, no mount, no other user or capability */
        CALL_FILTER_SERVICES = 1 << 2,   /* no socket for datagrams or packets to local services */
        CALL_FILTER_PEERS = 1 << 3,      /* no connection to anything: only those that others make */
} CallFilter;

/*
 * For the calling process; cannot be undone. With CALL_FILTER_SIGNALS it can signal only its present pid. 0
 * or negative errno (-EINVAL if the kernel has no seccomp filters, without which QEMU's -sandbox does not
 * work either).
 */
int call_filter_install(CallFilter what);
