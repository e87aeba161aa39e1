/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names threads, lists of CPUs and schedulers in one place for the generator, which writes them, and for the
 * launcher, which reads them. The reader runs as the guest's user, on text that an administrator may have
 * changed.
 */

#include "contract/line/thread-rule.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/text.h"

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

int cpu_set_read(const char *text, CpuSet *ret)
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

static const char *const kind_words[THREAD_KINDS] = {
        [THREAD_EMULATOR] = "emulator",
        [THREAD_VCPU] = "vcpu",
        [THREAD_IOTHREAD] = "iothread",
};

const char *thread_kind_word(ThreadKind kind)
{
        return kind_words[kind];
}

/* "emulator:", "vcpu.3:" and the like; *ret_rest is what follows. */
static int read_thread(const char *text, ThreadRule *rule, const char **ret_rest)
{
        const char *rest = NULL;
        int r;

        for (rule->kind = 0; rule->kind < THREAD_KINDS; rule->kind++) {
                rest = text_after(text, kind_words[rule->kind]);
                if (rest)
                        break;
        }
        if (!rest)
                return -EINVAL;
        if (rule->kind != THREAD_EMULATOR) {
                if (*rest++ != '.')
                        return -EINVAL;
                r = read_number(&rest, UINT32_MAX - 1, &rule->id);
                if (r < 0)
                        return r;
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
                r = cpu_set_read(rule.cpus, &set);
        return r < 0 ? r : add_rule(target, &rule);
}

const char *const scheduler_words[] = { "batch", "idle", "fifo", "rr", NULL };

/* By Scheduler, less 1. */
static const struct {
        int policy;
        int lowest, highest; /* priority; Linux has no other numbers */
} schedulers[] = {
        { SCHED_BATCH, 0, 0 },
        { SCHED_IDLE, 0, 0 },
        { SCHED_FIFO, 1, 99 },
        { SCHED_RR, 1, 99 },
};

_Static_assert(ELEMENTS(scheduler_words) == ELEMENTS(schedulers) + 1, "each scheduler has a word");

int scheduler_policy(Scheduler scheduler)
{
        return schedulers[scheduler - 1].policy;
}

int thread_rules_read_scheduler(const char *text, void *target)
{
        ThreadRule rule = { 0 };
        const char *rest;
        int r;

        r = read_thread(text, &rule, &text);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTS(schedulers); i++) {
                unsigned priority = 0;

                rest = text_after(text, scheduler_words[i]);
                if (!rest || (*rest && *rest != ':'))
                        continue;
                if (*rest) {
                        r = text_to_unsigned(rest + 1, 99, &priority);
                        if (r < 0)
                                return r;
                }
                rule.policy = schedulers[i].policy;
                rule.priority = (int) priority;
                if (rule.priority < schedulers[i].lowest || rule.priority > schedulers[i].highest)
                        return -ERANGE;
                return add_rule(target, &rule);
        }
        return -EINVAL;
}

static const char *policy_word(int policy)
{
        for (size_t i = 0; i < ELEMENTS(schedulers); i++)
                if (schedulers[i].policy == policy)
                        return scheduler_words[i];
        return NULL;
}

char *thread_rule_write(const ThreadRule *rule)
{
        const char *word = rule->cpus ?: policy_word(rule->policy);
        char id[16] = "", priority[16] = "";

        if (!word)
                return NULL;
        if (rule->kind != THREAD_EMULATOR)
                snprintf(id, sizeof(id), ".%u", rule->id);
        if (!rule->cpus && rule->priority > 0)
                snprintf(priority, sizeof(priority), ":%d", rule->priority);
        return text_format("%s%s:%s%s", kind_words[rule->kind], id, word, priority);
}

void thread_rules_done(ThreadRules *rules)
{
        free(rules->items);
        *rules = (ThreadRules){ 0 };
}
