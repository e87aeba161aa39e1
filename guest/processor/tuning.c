/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvirt creates cgroups for groups of a guest's threads; here the guest's unit is the only cgroup. So
 * settings of the whole guest become the unit's directives. CPUs and scheduling of a thread need no cgroup
 * (threads.c). A quota of some threads would need one, and applies to all threads, with a warning.
 */

#include "guest/processor/tuning.h"

#include <errno.h>

#include "guest/guest.h"
#include "guest/part.h"
#include "guest/processor/cpu.h"
#include "guest/processor/numa.h"

#define MEMORY_UNLIMITED (UINT64_C(9007199254740991) * KIB) /* libvirt's value for it */
#define WEIGHT_MAX       10000                              /* of cgroups; 100 is the default of a unit */
#define SHARES_MIN       2
#define SHARES_MAX       262144  /* of cgroup v1, whose values libvirt uses */
#define QUOTA_MAX        1000000 /* percent of a CPU: more than any host has */
#define PERIOD_MIN       1000
#define PERIOD_MAX       1000000

static const Field cpu_fields[] = {
        FIELD("shares", FIELD_NUMBER, Tuning, shares),
        FIELD_IN_RANGE("period", Tuning, vcpu.period, PERIOD_MIN, PERIOD_MAX),
        FIELD("quota", FIELD_TEXT, Tuning, vcpu.quota),
        FIELD_IN_RANGE("global_period", Tuning, global.period, PERIOD_MIN, PERIOD_MAX),
        FIELD("global_quota", FIELD_TEXT, Tuning, global.quota),
        FIELD_IN_RANGE("emulator_period", Tuning, emulator_bandwidth.period, PERIOD_MIN, PERIOD_MAX),
        FIELD("emulator_quota", FIELD_TEXT, Tuning, emulator_bandwidth.quota),
        FIELD_IN_RANGE("iothread_period", Tuning, iothread_bandwidth.period, PERIOD_MIN, PERIOD_MAX),
        FIELD("iothread_quota", FIELD_TEXT, Tuning, iothread_bandwidth.quota),
        FIELD_SAID(
                "cachetune", FIELD_REFUSED,
                "not supported, because vmunit does not use the host's resctrl; remove it"),
        FIELD_SAID("energytune", FIELD_WARNED, "ignored, because vmunit does not use the host's resctrl"),
        FIELD_SAID(
                "memorytune", FIELD_REFUSED,
                "not supported, because vmunit does not use the host's resctrl; remove it"),
        {},
};

static const Field memory_fields[] = {
        FIELD_OF_SIZE("hard_limit", Tuning, hard_limit, KIB),
        FIELD_OF_SIZE("soft_limit", Tuning, soft_limit, KIB),
        FIELD_OF_SIZE("swap_hard_limit", Tuning, swap_hard_limit, KIB),
        FIELD_SAID("min_guarantee", FIELD_REFUSED, "not supported by QEMU; remove it"),
        {},
};

static const Field device_fields[] = {
        FIELD("path", FIELD_PATH, TuningDevice, path),
        FIELD_IN_RANGE("weight", TuningDevice, weight, 0, WEIGHT_MAX),
        FIELD("read_bytes_sec", FIELD_NUMBER, TuningDevice, read_bytes),
        FIELD("write_bytes_sec", FIELD_NUMBER, TuningDevice, write_bytes),
        FIELD("read_iops_sec", FIELD_NUMBER, TuningDevice, read_operations),
        FIELD("write_iops_sec", FIELD_NUMBER, TuningDevice, write_operations),
        {},
};

static const Field io_fields[] = {
        FIELD_IN_RANGE("weight", Tuning, io_weight, 0, WEIGHT_MAX),
        {},
};

static const Field resource_fields[] = {
        FIELD("partition", FIELD_PATH, Tuning, partition),
        FIELD_SAID("fibrechannel", FIELD_REFUSED, "not supported; remove it"),
        {},
};

static void read_cpu(Guest *g, XmlElement *xml)
{
        Tuning *t = guest_own(g, tuning);

        t->cpu_place = xml->place;
        fields_read(xml, cpu_fields, t, g->findings);
        threads_read(g, xml);
}

static bool has_device(const Tuning *t, const char *path)
{
        for (unsigned i = 0; i < t->n_devices; i++)
                if (streq(t->devices[i].path, path))
                        return true;
        return false;
}

static void read_io(Guest *g, XmlElement *xml)
{
        Tuning *t = guest_own(g, tuning);
        TuningDevice *devices;

        fields_read(xml, io_fields, t, g->findings);
        t->devices = devices = guest_zeroed(g, TUNING_DEVICES_MAX, sizeof(*devices));
        XML_FOREACH(e, xml, "device") {
                TuningDevice d = { 0 };

                fields_read(e, device_fields, &d, g->findings);
                if (!d.path || strpbrk(d.path, " \t\"'\\"))
                        guest_error(
                                g, e->place,
                                "<device>: <path> is required and must not contain a blank, a quote or a "
                                "backslash");
                else if (has_device(t, d.path))
                        guest_error(g, e->place, "<device>: duplicate path '%s'", d.path);
                else if (t->n_devices == TUNING_DEVICES_MAX)
                        guest_error(g, e->place, "<device>: at most %d are supported", TUNING_DEVICES_MAX);
                else if (devices)
                        devices[t->n_devices++] = d;
        }
}

static void tuning_read(Guest *g)
{
        XmlElement *cpu = xml_child(g->xml, "cputune"), *memory = xml_child(g->xml, "memtune");
        XmlElement *io = xml_child(g->xml, "blkiotune"), *resource = xml_child(g->xml, "resource");

        if (cpu)
                read_cpu(g, cpu);
        if (memory)
                fields_read(memory, memory_fields, guest_own(g, tuning), g->findings);
        if (io)
                read_io(g, io);
        if (resource)
                fields_read(resource, resource_fields, guest_own(g, tuning), g->findings);
}

/* The quota in µs, or 0 for none (negative or zero in the XML). -EINVAL: not a number. */
static int64_t quota_of(const Bandwidth *b)
{
        uint64_t n;

        if (!b->quota)
                return 0;
        if (*b->quota == '-')
                return text_to_u64(b->quota + 1, INT64_MAX, &n) < 0 ? -1 : 0;
        return text_to_u64(b->quota, UINT64_C(1) << 44, &n) < 0 ? -1 : (int64_t) n;
}

static void check_quota(const Guest *g, const Bandwidth *b, const char *path)
{
        int64_t quota = quota_of(b);

        if (quota < 0 || (quota > 0 && quota < PERIOD_MIN))
                guest_error_at(
                        g, path, "<cputune>: quota '%s' must be negative (no limit) or at least %d",
                        b->quota, PERIOD_MIN);
}

/* libvirt's "/machine/a" is machine.slice/machine-a.slice, which systemd calls machine-a.slice. */
static bool slice_name(const char *partition, char ret[static TUNING_SLICE_MAX + 1])
{
        size_t n = 0;

        if (!partition[1] || strlen(partition) > TUNING_SLICE_MAX - strlen(".slice"))
                return false;
        for (const char *p = partition + 1; *p; p++) {
                bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                             (*p >= '0' && *p <= '9') || *p == '_' || *p == '.';

                if (*p == '/' ? p[1] == '/' || p[1] == '\0' : !plain)
                        return false;
                ret[n++] = *p == '/' ? '-' : *p;
        }
        ret[n] = '\0';
        if (!text_ends_with(ret, ".slice"))
                strcpy(ret + n, ".slice");
        return true;
}

static void tuning_check(const Guest *g)
{
        const Tuning *t = g->tuning;
        char slice[TUNING_SLICE_MAX + 1];

        if (g->settings->user_scope && t->io_weight.value > 0)
                guest_warning_at(
                        g, "blkiotune/weight",
                        "<weight>: has an effect only if the administrator delegates the io controller to "
                        "users' managers (Delegate= of user@.service)");
        check_quota(g, &t->vcpu, "cputune/quota");
        check_quota(g, &t->global, "cputune/global_quota");
        check_quota(g, &t->emulator_bandwidth, "cputune/emulator_quota");
        check_quota(g, &t->iothread_bandwidth, "cputune/iothread_quota");
        if (quota_of(&t->emulator_bandwidth) > 0 || quota_of(&t->iothread_bandwidth) > 0)
                guest_warning(
                        g, t->cpu_place,
                        "<cputune>: ignoring <emulator_quota> and <iothread_quota>: a unit has only one "
                        "quota, which <global_quota> sets");
        if (t->shares.value > 0 && (t->shares.value < SHARES_MIN || t->shares.value > SHARES_MAX))
                guest_error_at(
                        g, "cputune/shares", "<shares>: must be between %d and %d", SHARES_MIN, SHARES_MAX);
        else if (t->shares.value > WEIGHT_MAX)
                guest_warning_at(g, "cputune/shares", "<shares>: the maximum is %d; using it", WEIGHT_MAX);
        if (quota_of(&t->vcpu) > 0)
                guest_warning_at(
                        g, "cputune/quota",
                        "<quota>: the limit applies to all CPUs of the guest together, not to each");
        if (t->swap_hard_limit.set && t->hard_limit.set && t->swap_hard_limit.value < t->hard_limit.value)
                guest_error_at(
                        g, "memtune/swap_hard_limit",
                        "<swap_hard_limit>: is the limit of memory and swap together and must be at least "
                        "<hard_limit>");
        if (t->swap_hard_limit.set && t->swap_hard_limit.value < MEMORY_UNLIMITED && !t->hard_limit.set)
                guest_error_at(g, "memtune/swap_hard_limit", "<swap_hard_limit> requires <hard_limit>");
        threads_check(g);
        if (t->partition && !slice_name(t->partition, slice))
                guest_error_at(
                        g, "resource/partition",
                        "<partition>: '%s' must be a path of plain names, such as /machine/web",
                        t->partition);
}

static void build_quota(const Guest *g, Plan *p)
{
        const Tuning *t = g->tuning;
        bool global = quota_of(&t->global) > 0;
        const Bandwidth *b = global ? &t->global : &t->vcpu;
        uint64_t quota = (uint64_t) quota_of(b), period = b->period.set ? b->period.value : PERIOD_MAX / 10;

        if (quota == 0)
                return;
        if (!global)
                quota *= g->cpu->max.value;
        quota = (quota * 100 + period - 1) / period;
        /* the writer adds the percent sign */
        plan_directive(p, "CPUQuota", "%u", quota > QUOTA_MAX ? QUOTA_MAX : (unsigned) quota);
        plan_directive(p, "CPUQuotaPeriodSec", "%lluus", (unsigned long long) period);
}

/* Writes nothing if at least one thread may run anywhere. */
static void build_cpus(const Guest *g, Plan *p)
{
        char *text;
        Set sum;

        if (!threads_cpus(g, &sum))
                return;
        text = set_format(&sum);
        if (text)
                plan_directive(p, "AllowedCPUs", "%s", text);
        else
                p->status = -ENOMEM;
        free(text);
}

static void build_memory(const Guest *g, Plan *p)
{
        const Tuning *t = g->tuning;
        const Set *nodes = g->numa->host_nodes.set && (g->numa->mode == NUMA_RESTRICTIVE ||
                                                       g->numa->mode == NUMA_STRICT || !g->numa->mode)
                                   ? &g->numa->host_nodes
                                   : NULL;

        if (t->hard_limit.set && t->hard_limit.value < MEMORY_UNLIMITED) {
                plan_directive(p, "MemoryMax", "%llu", (unsigned long long) t->hard_limit.value);
                if (t->swap_hard_limit.set && t->swap_hard_limit.value < MEMORY_UNLIMITED)
                        plan_directive(
                                p, "MemorySwapMax", "%llu",
                                (unsigned long long) (t->swap_hard_limit.value - t->hard_limit.value));
        }
        if (t->soft_limit.set && t->soft_limit.value < MEMORY_UNLIMITED)
                plan_directive(p, "MemoryHigh", "%llu", (unsigned long long) t->soft_limit.value);
        if (nodes) {
                char *text = set_format(nodes);

                if (text)
                        plan_directive(p, "AllowedMemoryNodes", "%s", text);
                else
                        p->status = -ENOMEM;
                free(text);
        }
}

static void build_device(const TuningDevice *d, Plan *p)
{
        const struct {
                const char *directive;
                Number value;
        } limits[] = {
                { "IODeviceWeight", d->weight },           { "IOReadBandwidthMax", d->read_bytes },
                { "IOWriteBandwidthMax", d->write_bytes }, { "IOReadIOPSMax", d->read_operations },
                { "IOWriteIOPSMax", d->write_operations },
        };

        for (size_t i = 0; i < ELEMENTS(limits); i++)
                if (limits[i].value.set && limits[i].value.value > 0)
                        plan_directive(
                                p, limits[i].directive, "%s %llu", d->path,
                                (unsigned long long) limits[i].value.value);
}

static void tuning_build(const Guest *g, Plan *p)
{
        const Tuning *t = g->tuning;
        char slice[TUNING_SLICE_MAX + 1];

        if (t->shares.value > 0)
                plan_directive(
                        p, "CPUWeight", "%llu",
                        (unsigned long long) (t->shares.value > WEIGHT_MAX ? WEIGHT_MAX : t->shares.value));
        build_quota(g, p);
        build_cpus(g, p);
        threads_build(g, p);
        build_memory(g, p);
        if (t->io_weight.value > 0)
                plan_directive(p, "IOWeight", "%llu", (unsigned long long) t->io_weight.value);
        for (unsigned i = 0; i < t->n_devices; i++)
                build_device(&t->devices[i], p);
        if (t->partition && slice_name(t->partition, slice))
                plan_directive(p, "Slice", "%s", slice);
}

const GuestPart part_tuning = {
        GUEST_PART(Tuning, tuning),
        .read = tuning_read,
        .check = tuning_check,
        .build = tuning_build,
};
