/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of the host's CPUs each of QEMU's threads may run on, and how it is scheduled. */

#include <stdbool.h>
#include <sys/types.h>

#include "launcher/monitor/monitor.h"

typedef enum ThreadKind {
        THREAD_EMULATOR, /* all threads that are neither vCPUs nor IOThreads */
        THREAD_VCPU,
        THREAD_IOTHREAD,
} ThreadKind;

/* One argument: "vcpu.0:1-3,5", "emulator:2", "iothread.1:fifo:10". */
typedef struct ThreadRule {
        ThreadKind kind;
        unsigned id;          /* of the vCPU, or of the IOThread */
        const char *cpus;     /* borrowed from the argument; NULL if it sets the scheduler */
        int policy, priority; /* SCHED_… */
} ThreadRule;

typedef struct ThreadRules {
        ThreadRule *items;
        size_t count;
} ThreadRules;

/* Readers of arguments, which add to a ThreadRules. */
int thread_rules_read_affinity(const char *text, void *target);
int thread_rules_read_scheduler(const char *text, void *target);
void thread_rules_done(ThreadRules *rules);

typedef struct Threads Threads;

/* The last call. ok: all rules are in effect; else the failure was logged. */
typedef void (*ThreadsDone)(bool ok, void *userdata);

/* Borrows the rules. qemu is its process. done is called later, never before this returns. */
int threads_new(
        Monitor *monitor, const ThreadRules *rules, pid_t qemu, ThreadsDone done, void *userdata,
        Threads **ret);
Threads *threads_free(Threads *t); /* returns NULL; must be freed before the monitor */

DEFINE_CLEANUP(Threads, threads_free);
