/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of the host's CPUs each of QEMU's threads may run on, and how it is scheduled. */

#include <stdbool.h>
#include <sys/types.h>

#include "contract/line/thread-rule.h"
#include "launcher/monitor/monitor.h"

typedef struct Threads Threads;

/* The last call. ok: all rules are in effect; else the failure was logged. */
typedef void (*ThreadsDone)(bool ok, void *userdata);

/* Borrows the rules. qemu is its process. done is called later, never before this returns. */
int threads_new(
        Monitor *monitor, const ThreadRules *rules, pid_t qemu, ThreadsDone done, void *userdata,
        Threads **ret);
Threads *threads_free(Threads *t); /* returns NULL; must be freed before the monitor */

DEFINE_CLEANUP(Threads, threads_free);
