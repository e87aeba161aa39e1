/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pins QEMU's threads, because systemd only knows processes. QEMU reports which threads serve vCPUs and
 * IOThreads, and each gets its rule's settings before the guest runs its first instruction. The launcher
 * needs no privilege because it has QEMU's user; real-time scheduling also requires the unit's LimitRTPRIO=.
 *
 * A guest whose threads cannot be pinned does not start: it would use CPUs that others rely on. Without
 * real-time scheduling it is only slower than intended, so it runs and an error is logged.
 *
 * QEMU is not trusted. The same user may run other guests, so a thread that QEMU reports is accepted only if
 * it is one of its own.
 */

#include "launcher/run/threads.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log/log.h"
#include "util/text.h"

#define CPU_MAX 16384u /* libvirt's limit */

typedef struct CpuSet {
        cpu_set_t words[CPU_MAX / CPU_SETSIZE];
} CpuSet;

typedef struct Thread {
        ThreadKind kind;
        unsigned id;
        pid_t tid;
} Thread;

struct Threads {
        Monitor *monitor;
        const ThreadRules *rules;
        pid_t qemu;
        ThreadsDone done;
        void *userdata;
        Thread *items; /* vCPUs and IOThreads, as QEMU says */
        size_t count;
        bool failed;
};

/* ——— arguments ——— */

/* Reads a number at *text and moves *text behind it. */
static int read_number(const char **text, unsigned max, unsigned *ret)
{
        uint64_t n = 0;

        if (**text < '0' || **text > '9')
                return -EINVAL;
        for (; **text >= '0' && **text <= '9'; (*text)++) {
                n = n * 10 + (uint64_t) (**text - '0');
                if (n > max)
                        return -ERANGE;
        }
        *ret = (unsigned) n;
        return 0;
}

/* "0-3,7" */
static int read_cpus(const char *text, CpuSet *ret)
{
        CpuSet set = { 0 };

        for (;; text++) {
                unsigned first, last;
                int r;

                r = read_number(&text, CPU_MAX - 1, &first);
                if (r < 0)
                        return r;
                last = first;
                if (*text == '-') {
                        text++;
                        r = read_number(&text, CPU_MAX - 1, &last);
                }
                if (r < 0)
                        return r;
                if (last < first)
                        return -EINVAL;
                for (unsigned i = first; i <= last; i++)
                        CPU_SET_S(i, sizeof(set), set.words);
                if (*text != ',')
                        break;
        }
        if (*text)
                return -EINVAL;
        *ret = set;
        return 0;
}

/* "vcpu.3:" and the like; *ret_rest is what follows. */
static int read_thread(const char *text, ThreadRule *rule, const char **ret_rest)
{
        const char *rest;
        int r;

        if ((rest = text_after(text, "emulator"))) {
                rule->kind = THREAD_EMULATOR;
        } else if ((rest = text_after(text, "vcpu.")) || (rest = text_after(text, "iothread."))) {
                rule->kind = *text == 'v' ? THREAD_VCPU : THREAD_IOTHREAD;
                r = read_number(&rest, UINT32_MAX - 1, &rule->id);
                if (r < 0)
                        return r;
        } else {
                return -EINVAL;
        }
        if (*rest != ':')
                return -EINVAL;
        *ret_rest = rest + 1;
        return 0;
}

/* With two rules for one thread, the result would depend on their order. */
static int add_rule(ThreadRules *rules, const ThreadRule *rule)
{
        ThreadRule *bigger;

        for (size_t i = 0; i < rules->count; i++) {
                const ThreadRule *other = &rules->items[i];

                if (other->kind == rule->kind && other->id == rule->id && !other->cpus == !rule->cpus)
                        return -EEXIST;
        }
        bigger = realloc(rules->items, (rules->count + 1) * sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        rules->items = bigger;
        bigger[rules->count++] = *rule;
        return 0;
}

int thread_rules_read_affinity(const char *text, void *target)
{
        ThreadRule rule = { 0 };
        CpuSet set;
        int r;

        r = read_thread(text, &rule, &rule.cpus);
        if (r >= 0)
                r = read_cpus(rule.cpus, &set);
        return r < 0 ? r : add_rule(target, &rule);
}

static const struct Policy {
        const char *name;
        int policy;
        int lowest, highest; /* priority; Linux has no other numbers */
} policies[] = {
        { "batch", SCHED_BATCH, 0, 0 },
        { "idle", SCHED_IDLE, 0, 0 },
        { "fifo", SCHED_FIFO, 1, 99 },
        { "rr", SCHED_RR, 1, 99 },
};

int thread_rules_read_scheduler(const char *text, void *target)
{
        ThreadRule rule = { 0 };
        const char *rest;
        int r;

        r = read_thread(text, &rule, &text);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTS(policies); i++) {
                const struct Policy *p = &policies[i];
                unsigned priority = 0;

                rest = text_after(text, p->name);
                if (!rest || (*rest && *rest != ':'))
                        continue;
                if (*rest) {
                        r = text_to_unsigned(rest + 1, 99, &priority);
                        if (r < 0)
                                return r;
                }
                rule.policy = p->policy;
                rule.priority = (int) priority;
                if (rule.priority < p->lowest || rule.priority > p->highest)
                        return -ERANGE;
                return add_rule(target, &rule);
        }
        return -EINVAL;
}

void thread_rules_done(ThreadRules *rules)
{
        free(rules->items);
        *rules = (ThreadRules){ 0 };
}

/* ——— applying the rules ——— */

static int apply(pid_t tid, const ThreadRule *rule, const CpuSet *set)
{
        struct sched_param param = { .sched_priority = rule->priority };

        if (rule->cpus)
                return sched_setaffinity(tid, sizeof(*set), set->words) < 0 ? -errno : 0;
        return sched_setscheduler(tid, rule->policy, &param) < 0 ? -errno : 0;
}

static const Thread *find(const Threads *t, ThreadKind kind, unsigned id)
{
        for (size_t i = 0; i < t->count; i++)
                if (t->items[i].kind == kind && t->items[i].id == id)
                        return &t->items[i];
        return NULL;
}

static bool is_emulator(const Threads *t, pid_t tid)
{
        for (size_t i = 0; i < t->count; i++)
                if (t->items[i].tid == tid)
                        return false;
        return true;
}

/*
 * The main thread comes first, because threads that it creates later inherit its settings. Of the others,
 * one may have exited already, or be a kernel thread working for QEMU, which cannot be moved.
 */
static int apply_to_emulator(const Threads *t, const ThreadRule *rule, const CpuSet *set)
{
        _cleanup_(freep) char *path = text_format("/proc/%d/task", (int) t->qemu);
        _cleanup_(closedirp) DIR *directory = NULL;
        struct dirent *entry;
        int r;

        r = path ? apply(t->qemu, rule, set) : -ENOMEM;
        if (r < 0)
                return r;
        directory = opendir(path);
        if (!directory)
                return -errno;
        while ((entry = readdir(directory))) {
                unsigned tid;

                if (text_to_unsigned(entry->d_name, INT32_MAX, &tid) < 0 || !is_emulator(t, (pid_t) tid))
                        continue;
                r = apply((pid_t) tid, rule, set);
                if (r < 0 && r != -ESRCH && r != -EINVAL)
                        return r;
        }
        return 0;
}

static int apply_rule(const Threads *t, const ThreadRule *rule)
{
        const Thread *thread;
        CpuSet set = { 0 };
        int r = 0;

        if (rule->cpus)
                r = read_cpus(rule->cpus, &set);
        if (r < 0)
                return r;
        if (rule->kind == THREAD_EMULATOR)
                return apply_to_emulator(t, rule, &set);
        thread = find(t, rule->kind, rule->id);
        return thread ? apply(thread->tid, rule, &set) : -ENOENT;
}

static char *describe(const ThreadRule *rule)
{
        if (rule->kind == THREAD_EMULATOR)
                return text_format("QEMU's own threads");
        return text_format(rule->kind == THREAD_VCPU ? "the thread of vCPU %u" : "IOThread %u", rule->id);
}

static void finish(Threads *t)
{
        for (size_t i = 0; i < t->rules->count && !t->failed; i++) {
                const ThreadRule *rule = &t->rules->items[i];
                _cleanup_(freep) char *what = describe(rule);
                int r = apply_rule(t, rule);

                if (r >= 0)
                        continue;
                if (rule->cpus) {
                        log_errno(
                                LOG_ERR, r, "Failed to pin %s to the host's CPUs %s", what ?: "a thread",
                                rule->cpus);
                        t->failed = true;
                } else {
                        log_errno(
                                LOG_ERR, r,
                                "Failed to set the scheduling of %s; continuing with the default",
                                what ?: "a thread");
                }
        }
        t->done(!t->failed, t->userdata);
}

/* ——— asking QEMU ——— */

static bool is_thread_of(pid_t process, pid_t tid)
{
        _cleanup_(freep) char *path = text_format("/proc/%d/task/%d", (int) process, (int) tid);

        return path && access(path, F_OK) >= 0;
}

static int add_thread(Threads *t, ThreadKind kind, unsigned id, const json_t *tid)
{
        json_int_t n = json_integer_value(tid);
        Thread *bigger;

        if (n <= 0 || n > INT32_MAX || !is_thread_of(t->qemu, (pid_t) n)) {
                log_error("QEMU reported thread %lld, which is not one of its own.", (long long) n);
                return -EINVAL;
        }
        bigger = realloc(t->items, (t->count + 1) * sizeof(*bigger));
        if (!bigger)
                return log_out_of_memory();
        t->items = bigger;
        bigger[t->count++] = (Thread){ .kind = kind, .id = id, .tid = (pid_t) n };
        return 0;
}

static void on_vcpus(const json_t *result, const char *error, void *userdata)
{
        Threads *t = userdata;
        const json_t *cpu;
        size_t i;

        if (!result) {
                log_error("QEMU failed to report the threads of its vCPUs: %s", error);
                t->failed = true;
        }
        json_array_foreach(result, i, cpu) {
                json_int_t index = json_integer_value(json_object_get(cpu, "cpu-index"));

                if (index < 0 || index > INT32_MAX ||
                    add_thread(t, THREAD_VCPU, (unsigned) index, json_object_get(cpu, "thread-id")) < 0) {
                        t->failed = true;
                        return;
                }
        }
}

/* The generator calls them iothread1 and so on; another one has no number, nor is it of the emulator. */
static void on_iothreads(const json_t *result, const char *error, void *userdata)
{
        Threads *t = userdata;
        const json_t *thread;
        size_t i;

        if (!result) {
                log_error("QEMU failed to report its IOThreads: %s", error);
                t->failed = true;
        }
        json_array_foreach(result, i, thread) {
                const char *id = json_string_value(json_object_get(thread, "id"));
                const char *number = id ? text_after(id, "iothread") : NULL;
                unsigned n;

                if (!number || text_to_unsigned(number, UINT32_MAX - 1, &n) < 0)
                        n = UINT32_MAX;
                if (add_thread(t, THREAD_IOTHREAD, n, json_object_get(thread, "thread-id")) < 0) {
                        t->failed = true;
                        break;
                }
        }
        finish(t);
}

int threads_new(
        Monitor *monitor, const ThreadRules *rules, pid_t qemu, ThreadsDone done, void *userdata,
        Threads **ret)
{
        _cleanup_(threads_freep) Threads *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return log_out_of_memory();
        *t = (Threads){
                .monitor = monitor, .rules = rules, .qemu = qemu, .done = done, .userdata = userdata
        };

        /* QEMU replies in this order */
        r = monitor_execute(monitor, "query-cpus-fast", NULL, on_vcpus, t, MONITOR_PATIENCE);
        if (r >= 0)
                r = monitor_execute(monitor, "query-iothreads", NULL, on_iothreads, t, MONITOR_PATIENCE);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(t);
        return 0;
}

Threads *threads_free(Threads *t)
{
        if (!t)
                return NULL;
        monitor_forget(t->monitor, t);
        free(t->items);
        free(t);
        return NULL;
}
