/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd has no settings for single threads. So the launcher applies these, after it has asked QEMU for its
 * threads. It needs no privileges for that, only the system calls, which the unit must allow; real-time
 * scheduling must also be within the unit's limits.
 */

#include "guest/processor/threads.h"

#include <errno.h>

#include "contract/options.h"
#include "guest/guest.h"
#include "guest/part.h"
#include "guest/processor/cpu.h"
#include "guest/processor/iothread.h"
#include "guest/processor/tuning.h"

#define PRIORITY_MAX 99

static const Field emulator_fields[] = {
        FIELD("emulatorpin@cpuset", FIELD_SET, Threads, emulator),
        {},
};

static const Field vcpupin_fields[] = {
        FIELD_IN_RANGE("@vcpu", Pin, id, 0, SET_MAX - 1),
        FIELD("@cpuset", FIELD_SET, Pin, cpus),
        {},
};

static const Field iothreadpin_fields[] = {
        FIELD_IN_RANGE("@iothread", Pin, id, 1, SET_MAX - 1),
        FIELD("@cpuset", FIELD_SET, Pin, cpus),
        {},
};

static const Field vcpusched_fields[] = {
        FIELD("@vcpus", FIELD_SET, Schedule, ids),
        FIELD_OF_WORDS("@scheduler", Schedule, scheduler, scheduler_words),
        FIELD_IN_RANGE("@priority", Schedule, priority, 0, PRIORITY_MAX),
        {},
};

static const Field iothreadsched_fields[] = {
        FIELD("@iothreads", FIELD_SET, Schedule, ids),
        FIELD_OF_WORDS("@scheduler", Schedule, scheduler, scheduler_words),
        FIELD_IN_RANGE("@priority", Schedule, priority, 0, PRIORITY_MAX),
        {},
};

static const Field emulatorsched_fields[] = {
        FIELD_OF_WORDS("@scheduler", Schedule, scheduler, scheduler_words),
        FIELD_IN_RANGE("@priority", Schedule, priority, 0, PRIORITY_MAX),
        {},
};

static void read_vcpu_pin(Guest *g, XmlElement *xml)
{
        Threads *t = &guest_own(g, tuning)->threads;
        Pin pin = { 0 };
        Set *vcpus;

        fields_read(xml, vcpupin_fields, &pin, g->findings);
        if (!pin.id.set || !pin.cpus.set) {
                guest_error(g, xml->place, "<vcpupin>: vcpu and cpuset are required");
                return;
        }
        if (pin.id.value >= g->cpu->max.value)
                return; /* as in libvirt: CPUs may have been removed since */
        if (!t->vcpus)
                t->vcpus = guest_zeroed(g, (size_t) g->cpu->max.value, sizeof(*t->vcpus));
        vcpus = (Set *) t->vcpus;
        if (!vcpus)
                return;
        if (vcpus[pin.id.value].set)
                guest_error(g, xml->place, "<vcpupin>: duplicate vcpu='%u'", (unsigned) pin.id.value);
        vcpus[pin.id.value] = pin.cpus;
}

static const Pin *iothread_pin(const Threads *t, uint64_t id)
{
        for (unsigned i = 0; i < t->n_iothreads; i++)
                if (t->iothreads[i].id.value == id)
                        return &t->iothreads[i];
        return NULL;
}

static void read_iothread_pin(Guest *g, XmlElement *xml)
{
        Threads *t = &guest_own(g, tuning)->threads;
        Pin pin = { .place = xml->place };

        fields_read(xml, iothreadpin_fields, &pin, g->findings);
        if (!pin.id.set || !pin.cpus.set) {
                guest_error(g, xml->place, "<iothreadpin>: iothread and cpuset are required");
                return;
        }
        if (iothread_pin(t, pin.id.value))
                guest_error(
                        g, xml->place, "<iothreadpin>: duplicate iothread='%u'", (unsigned) pin.id.value);
        if (!t->iothreads)
                t->iothreads = guest_zeroed(g, IOTHREADS_MAX, sizeof(*t->iothreads));
        if (t->iothreads && t->n_iothreads < IOTHREADS_MAX)
                ((Pin *) t->iothreads)[t->n_iothreads++] = pin;
}

/* The fields for the emulator name no threads, because it is a single one. */
static void read_schedules(
        Guest *g, XmlElement *xml, const char *name, ThreadKind thread, const Field *fields)
{
        Threads *t = &guest_own(g, tuning)->threads;
        bool emulator = fields == emulatorsched_fields;
        Schedule *schedules = (Schedule *) t->schedules;
        Set taken = { 0 };
        unsigned n = 0;

        XML_FOREACH(e, xml, name) {
                Schedule s = { .thread = thread, .place = e->place };

                fields_read(e, fields, &s, g->findings);
                if (!s.scheduler || (!emulator && !s.ids.set))
                        guest_error(
                                g, e->place, "<%s>: %s required", name,
                                emulator ? "scheduler='…' is" : "scheduler and the threads are");
                else if (s.scheduler >= SCHEDULER_FIFO && !s.priority.set)
                        guest_error(g, e->place, "<%s>: this scheduler requires priority='…'", name);
                else if ((emulator && n > 0) || set_overlaps(&taken, &s.ids))
                        guest_error(g, e->place, "<%s>: one of these threads already has a scheduler", name);
                else if (t->n_schedules == SCHEDULES_MAX)
                        guest_error(g, e->place, "<%s>: at most %d are supported", name, SCHEDULES_MAX);
                else if (schedules)
                        schedules[t->n_schedules++] = s;
                set_join(&taken, &s.ids);
                n++;
        }
}

void threads_read(Guest *g, XmlElement *cputune)
{
        Threads *t = &guest_own(g, tuning)->threads;

        fields_read(cputune, emulator_fields, t, g->findings);
        XML_FOREACH(e, cputune, "vcpupin")
                read_vcpu_pin(g, e);
        XML_FOREACH(e, cputune, "iothreadpin")
                read_iothread_pin(g, e);
        t->schedules = guest_zeroed(g, SCHEDULES_MAX, sizeof(*t->schedules));
        read_schedules(g, cputune, "vcpusched", THREAD_VCPU, vcpusched_fields);
        read_schedules(g, cputune, "iothreadsched", THREAD_IOTHREAD, iothreadsched_fields);
        read_schedules(g, cputune, "emulatorsched", THREAD_EMULATOR, emulatorsched_fields);
}

static void check_schedule(const Guest *g, const Schedule *s)
{
        bool vcpu = s->thread == THREAD_VCPU;

        for (unsigned i = 0; i < SET_MAX; i++)
                if (set_has(&s->ids, i) && !(vcpu ? i < g->cpu->max.value : iothread_exists(g, i)))
                        guest_error(
                                g, s->place, "<%ssched>: %s %u does not exist", thread_kind_word(s->thread),
                                vcpu ? "CPU" : "IOThread", i);
        if (s->scheduler >= SCHEDULER_FIFO && s->priority.value == 0)
                guest_warning(
                        g, s->place,
                        "<%ssched>: Linux has no real-time priority 0 (1 is the lowest); the threads are "
                        "scheduled normally",
                        thread_kind_word(s->thread));
}

void threads_check(const Guest *g)
{
        const Threads *t = &g->tuning->threads;

        for (unsigned i = 0; i < t->n_iothreads; i++)
                if (!iothread_exists(g, t->iothreads[i].id.value))
                        guest_error(
                                g, t->iothreads[i].place,
                                "<iothreadpin>: IOThread %u does not exist; define it with <iothreads> in "
                                "<domain>",
                                (unsigned) t->iothreads[i].id.value);
        for (unsigned i = 0; i < t->n_schedules; i++) {
                check_schedule(g, &t->schedules[i]);
                if (g->settings->user_scope && t->schedules[i].scheduler >= SCHEDULER_FIFO)
                        guest_error(
                                g, t->schedules[i].place,
                                "<cputune>: a user's guest cannot use a real-time scheduler; scheduler must "
                                "be one of: batch, idle");
        }
}

/* The CPUs of threads without a setting of their own; NULL: any. */
static const Set *cpus_of_all(const Guest *g)
{
        return g->cpu->host_cpus.set && g->cpu->placement != CPU_PLACEMENT_AUTO ? &g->cpu->host_cpus : NULL;
}

static const Set *cpus_of_vcpu(const Guest *g, unsigned i)
{
        const Threads *t = &g->tuning->threads;

        return t->vcpus && t->vcpus[i].set ? &t->vcpus[i] : cpus_of_all(g);
}

static const Set *cpus_of_iothread(const Guest *g, uint64_t id)
{
        const Pin *pin = iothread_pin(&g->tuning->threads, id);

        return pin ? &pin->cpus : cpus_of_all(g);
}

static const Set *cpus_of_emulator(const Guest *g)
{
        const Threads *t = &g->tuning->threads;

        return t->emulator.set ? &t->emulator : cpus_of_all(g);
}

bool threads_cpus(const Guest *g, Set *ret)
{
        const Set *cpus = cpus_of_emulator(g);
        Set sum = { 0 };

        if (!cpus)
                return false;
        set_join(&sum, cpus);
        for (unsigned i = 0; i < g->iothreads->n; i++) {
                cpus = cpus_of_iothread(g, g->iothreads->items[i].id.value);
                if (!cpus)
                        return false;
                set_join(&sum, cpus);
        }
        for (unsigned i = 0; i < g->cpu->max.value; i++) {
                cpus = cpus_of_vcpu(g, i);
                if (!cpus)
                        return false;
                set_join(&sum, cpus);
        }
        *ret = sum;
        return true;
}

static void build_pin(Plan *p, ThreadRule rule, const Set *cpus)
{
        char *text = cpus ? set_format(cpus) : NULL;

        rule.cpus = text;
        if (text && *text)
                plan_thread(p, &rule);
        else if (cpus && !text)
                p->status = -ENOMEM;
        free(text);
}

/* If all threads are alike, AllowedCPUs= of the unit is enough. */
static void build_pins(const Guest *g, Plan *p)
{
        const Threads *t = &g->tuning->threads;

        if (!t->emulator.set && !t->vcpus && t->n_iothreads == 0)
                return;
        plan_directive(p, "SystemCallFilter", "sched_setaffinity"); /* the template removes it */
        build_pin(p, (ThreadRule){ THREAD_EMULATOR }, cpus_of_emulator(g));
        for (unsigned i = 0; i < g->cpu->max.value; i++)
                if (set_has(&g->cpu->online, i))
                        build_pin(p, (ThreadRule){ THREAD_VCPU, i }, cpus_of_vcpu(g, i));
        for (unsigned i = 0; i < g->iothreads->n; i++) {
                uint64_t id = g->iothreads->items[i].id.value;

                build_pin(p, (ThreadRule){ THREAD_IOTHREAD, (unsigned) id }, cpus_of_iothread(g, id));
        }
}

static void build_schedule(const Guest *g, const Schedule *s, Plan *p)
{
        ThreadRule rule = { .kind = s->thread, .policy = scheduler_policy(s->scheduler) };

        if (s->scheduler >= SCHEDULER_FIFO)
                rule.priority = (int) s->priority.value;
        if (!s->ids.set)
                plan_thread(p, &rule);
        for (rule.id = 0; rule.id < SET_MAX; rule.id++)
                if (set_has(&s->ids, rule.id) &&
                    (s->thread != THREAD_VCPU || set_has(&g->cpu->online, rule.id)))
                        plan_thread(p, &rule);
}

static void build_schedules(const Guest *g, Plan *p)
{
        const Threads *t = &g->tuning->threads;
        unsigned real_time = 0;
        bool any = false;

        for (unsigned i = 0; i < t->n_schedules; i++) {
                const Schedule *s = &t->schedules[i];
                unsigned priority = s->scheduler >= SCHEDULER_FIFO ? (unsigned) s->priority.value : 0;

                if (s->scheduler >= SCHEDULER_FIFO && priority == 0)
                        continue;
                build_schedule(g, s, p);
                real_time = priority > real_time ? priority : real_time;
                any = true;
        }
        if (any)
                plan_directive(p, "SystemCallFilter", "sched_setscheduler");
        if (real_time > 0) {
                plan_build_at(p, xml_place(g->xml, "cputune"), "cputune");
                plan_directive(p, "RestrictRealtime", "no");
                plan_directive(p, "LimitRTPRIO", "%u", real_time);
        }
}

void threads_build(const Guest *g, Plan *p)
{
        build_pins(g, p);
        build_schedules(g, p);
}
