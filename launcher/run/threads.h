/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of the host's CPUs each of QEMU's threads may run on, and how it is scheduled. */

#include <stdbool.h>
#include <sys/types.h>

#include "launcher/monitor/monitor.h"

typedef enum ThreadKind {
        THREAD_EMULATOR, /* all that are none of the others */
        THREAD_VCPU,
        THREAD_IOTHREAD,
} ThreadKind;

/* What one argument says: "vcpu.0:1-3,5", "emulator:2", "iothread.1:fifo:10". */
typedef struct ThreadRule {
        ThreadKind kind;
        unsigned id;          /* of the vCPU, or of the IOThread */
        const char *cpus;     /* borrowed from the argument; NULL where it is about scheduling */
        int policy, priority; /* SCHED_… */
} ThreadRule;

typedef struct ThreadRules {
        ThreadRule *items;
        size_t count;
} ThreadRules;

/* Readers of arguments; the target is a ThreadRules, added to. */
int thread_rules_read_affinity(const char *text, void *target);
int thread_rules_read_scheduler(const char *text, void *target);
void thread_rules_done(ThreadRules *rules);

typedef struct Threads Threads;

/* The last call. ok: every thread is where the rules want it; else what failed was logged. */
typedef void (*ThreadsDone)(bool ok, void *userdata);

/* Keeps the rules. qemu is its process. done is called later, and never from here. */
int threads_new(
        Monitor *monitor, const ThreadRules *rules, pid_t qemu, ThreadsDone done, void *userdata,
        Threads **ret);
Threads *threads_free(Threads *t); /* returns NULL; to be freed before the monitor */

DEFINE_CLEANUP(Threads, threads_free);
