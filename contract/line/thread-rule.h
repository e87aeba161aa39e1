/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The values of --affinity= and --scheduler=: on which CPUs one of QEMU's threads runs, and how it is
 * scheduled. */

#include <sched.h>
#include <stddef.h>

#define CPU_MAX 16384u /* libvirt's limit */

typedef struct CpuSet {
        cpu_set_t words[CPU_MAX / CPU_SETSIZE];
} CpuSet;

typedef enum ThreadKind {
        THREAD_EMULATOR, /* all threads that are neither vCPUs nor IOThreads */
        THREAD_VCPU,
        THREAD_IOTHREAD,
        THREAD_KINDS,
} ThreadKind;

const char *thread_kind_word(ThreadKind kind);

typedef enum Scheduler {
        SCHEDULER_BATCH = 1,
        SCHEDULER_IDLE,
        SCHEDULER_FIFO, /* real-time from here on: these have priorities */
        SCHEDULER_RR,
} Scheduler;

extern const char *const scheduler_words[]; /* the word of scheduler s is at s - 1; ends with NULL */

int scheduler_policy(Scheduler scheduler); /* SCHED_… */

/* One option: "vcpu.0:1-3,5", "emulator:2", "iothread.1:fifo:10". */
typedef struct ThreadRule {
        ThreadKind kind;
        unsigned id;          /* of the vCPU, or of the IOThread */
        const char *cpus;     /* borrowed; NULL if the rule sets the scheduler */
        int policy, priority; /* SCHED_… */
} ThreadRule;

typedef struct ThreadRules {
        ThreadRule *items;
        size_t count;
} ThreadRules;

/* "0-3,7". -EINVAL or -ERANGE. */
int cpu_set_read(const char *text, CpuSet *ret);

/* The value of --affinity= if the rule has CPUs, otherwise of --scheduler=. To be freed; NULL if memory runs
 * out. */
char *thread_rule_write(const ThreadRule *rule);

/* Readers of arguments, which add to a ThreadRules. */
int thread_rules_read_affinity(const char *text, void *target);
int thread_rules_read_scheduler(const char *text, void *target);
void thread_rules_done(ThreadRules *rules);
