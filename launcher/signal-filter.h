/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps a process, and what it executes, from sending signals to any other. */

/*
 * For the calling process, whose pid is the only one left to it; cannot be undone. 0 or negative errno
 * (-EINVAL where the kernel has no seccomp filters, without which QEMU's -sandbox does not work either).
 */
int signal_filter_install(void);
