/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps a process, and what it executes, from system calls that are no business of its own. */

typedef enum CallFilter {
        CALL_FILTER_SIGNALS = 1 << 0,    /* no signal to any other process */
        CALL_FILTER_NAMESPACES = 1 << 1, /* no namespace of its own, no mount, no other user or capability */
} CallFilter;

/*
 * For the calling process, whose pid is the only one left to it where signals are filtered; cannot be
 * undone. 0 or negative errno (-EINVAL where the kernel has no seccomp filters, without which QEMU's
 * -sandbox does not work either).
 */
int call_filter_install(CallFilter what);
