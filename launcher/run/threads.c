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
                r = cpu_set_read(rule->cpus, &set);
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
