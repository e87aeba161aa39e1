/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * -smp defines the CPUs that QEMU starts with; a CPU that can be unplugged is a -device, which must name its
 * position in the topology. Threads count fastest, then cores, dies and sockets.
 */

#include "guest/processor/cpu.h"

#include "guest/guest.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"

#define CPUS_MAX        4096 /* of any QEMU machine */
#define CPUS_MAX_I440FX 255  /* its interrupt controller has 8-bit ids */

static const char *const placement_words[] = { "static", "auto", NULL };

static const Field vcpu_fields[] = {
        FIELD_IN_RANGE("vcpu", Cpu, max, 1, CPUS_MAX),
        FIELD_IN_RANGE("vcpu@current", Cpu, current, 1, CPUS_MAX),
        FIELD("vcpu@cpuset", FIELD_SET, Cpu, host_cpus),
        FIELD_OF_WORDS("vcpu@placement", Cpu, placement, placement_words),
        FIELD_IN_RANGE("cpu/topology@sockets", Cpu, sockets, 1, CPUS_MAX),
        FIELD_IN_RANGE("cpu/topology@dies", Cpu, dies, 1, CPUS_MAX),
        FIELD_IN_RANGE("cpu/topology@clusters", Cpu, clusters, 1, CPUS_MAX),
        FIELD_IN_RANGE("cpu/topology@cores", Cpu, cores, 1, CPUS_MAX),
        FIELD_IN_RANGE("cpu/topology@threads", Cpu, threads, 1, CPUS_MAX),
        {},
};

typedef struct Vcpu {
        Number id, order;
        Tristate enabled, hotpluggable;
} Vcpu;

static const Field one_fields[] = {
        FIELD_IN_RANGE("@id", Vcpu, id, 0, CPUS_MAX - 1),
        FIELD("@enabled", FIELD_YESNO, Vcpu, enabled),
        FIELD("@hotpluggable", FIELD_YESNO, Vcpu, hotpluggable),
        /* the order of hotplug, irrelevant at start */
        FIELD_IN_RANGE("@order", Vcpu, order, 1, CPUS_MAX),
        {},
};

static void read_each(Guest *g, XmlElement *all)
{
        Cpu *cpu = guest_own(g, cpu);

        XML_FOREACH(e, all, "vcpu") {
                Vcpu v = { 0 };

                cpu->online.set = true;
                fields_read(e, one_fields, &v, g->findings);
                if (!v.id.set || v.enabled == UNSET) {
                        guest_error(g, e->place, "<vcpu>: id and enabled are required");
                        continue;
                }
                if (v.id.value >= cpu->max.value)
                        guest_error(
                                g, e->place, "<vcpu>: id must be below the number of CPUs, which is %u",
                                (unsigned) cpu->max.value);
                else if (v.enabled == OFF && v.hotpluggable == OFF)
                        guest_error(g, e->place, "<vcpu>: enabled='no' requires hotpluggable='yes'");
                else if (v.id.value == 0 && (v.enabled == OFF || v.hotpluggable == ON))
                        guest_error(g, e->place, "<vcpu>: the CPU with id='0' must be enabled");
                else if (v.enabled == ON)
                        set_add(&cpu->online, (unsigned) v.id.value);
                if (v.enabled == ON && v.hotpluggable == ON)
                        set_add(&cpu->plugged, (unsigned) v.id.value);
        }
}

void vcpu_read(Guest *g)
{
        Cpu *cpu = guest_own(g, cpu);
        XmlElement *vcpu = xml_child(g->xml, "vcpu"), *each = xml_child(g->xml, "vcpus");

        cpu->place = cpu->xml ? cpu->xml->place : vcpu ? vcpu->place : g->xml->place;
        fields_read(g->xml, vcpu_fields, cpu, g->findings);
        if (!cpu->max.set)
                cpu->max = (Number){ 1, true };
        if (each)
                read_each(g, each);
}

void vcpu_complete(Guest *g)
{
        Cpu *cpu = guest_own(g, cpu);

        if (!cpu->current.set)
                cpu->current = cpu->max;
        if (!cpu->online.set)
                for (unsigned i = 0; i < cpu->current.value; i++)
                        set_add(&cpu->online, i);
        if (cpu->sockets.set && !cpu->dies.set)
                cpu->dies = (Number){ 1, true };
        if (cpu->sockets.set && !cpu->clusters.set)
                cpu->clusters = (Number){ 1, true };
}

void vcpu_check(const Guest *g)
{
        const Cpu *cpu = g->cpu;
        bool gap = false;

        limit_check(
                g, xml_place(g->xml, "vcpu"), "vcpu", &g->settings->policy->max_vcpus, "MaxVCPUs",
                cpu->max.value, "CPUs");
        if (cpu->current.value > cpu->max.value)
                guest_error_at(
                        g, "vcpu", "<vcpu>: current='%u' must be at most the number of CPUs",
                        (unsigned) cpu->current.value);
        if (cpu->placement == CPU_PLACEMENT_AUTO)
                guest_warning_at(g, "vcpu", "<vcpu>: vmunit does not use numad; the kernel places the CPUs");
        if (cpu->max.value > CPUS_MAX_I440FX && g->os->family == MACHINE_I440FX)
                guest_error_at(
                        g, "vcpu", "<vcpu>: this machine type supports at most %d CPUs", CPUS_MAX_I440FX);
        if (cpu->sockets.set || cpu->dies.set || cpu->clusters.set || cpu->cores.set || cpu->threads.set) {
                if (!cpu->sockets.set || !cpu->cores.set || !cpu->threads.set)
                        guest_error_at(
                                g, "cpu/topology", "<topology>: sockets, cores and threads are required");
                else if (
                        cpu->sockets.value * cpu->dies.value * cpu->clusters.value * cpu->cores.value *
                                cpu->threads.value !=
                        cpu->max.value)
                        guest_error_at(
                                g, "cpu/topology",
                                "<topology>: does not match the number of CPUs in <vcpu>, which is %u",
                                (unsigned) cpu->max.value);
                if (cpu->clusters.set && cpu->clusters.value > 1 && os_is_x86(g->os))
                        guest_error_at(
                                g, "cpu/topology",
                                "<topology>: clusters must be 1 on x86; use dies or cores instead");
                if (cpu->dies.set && cpu->dies.value > 1 && !os_is_x86(g->os))
                        guest_error_at(
                                g, "cpu/topology",
                                "<topology>: dies must be 1 on this machine type; use clusters or cores "
                                "instead");
        }
        if (!set_has(&cpu->online, 0))
                guest_error_at(g, "vcpus", "<vcpus>: the CPU with id='0' must be enabled");
        for (unsigned i = 0; i < cpu->max.value; i++) {
                bool fixed = set_has(&cpu->online, i) && !set_has(&cpu->plugged, i);

                if (fixed && gap)
                        guest_error_at(
                                g, "vcpus",
                                "<vcpus>: CPU %u is not hotpluggable, so the CPUs before it must not be "
                                "either",
                                i);
                gap |= !fixed;
        }
        if (set_count(&cpu->plugged) > 0 && !os_is_pc(g->os))
                guest_error_at(g, "vcpus", "<vcpus>: this machine type does not support hotplugging CPUs");
}

static void build_plugged(const Guest *g, Plan *p, unsigned id)
{
        const Cpu *cpu = g->cpu;
        unsigned threads = cpu->threads.set ? (unsigned) cpu->threads.value : 1,
                 cores = cpu->cores.set ? (unsigned) cpu->cores.value : 1;
        unsigned dies = cpu->dies.set ? (unsigned) cpu->dies.value : 1, rest = id;
        char driver[256], name[32];
        Props device;

        snprintf(
                driver, sizeof(driver), "%s-%s-cpu", cpu_model(g),
                text_ends_with(g->general->emulator, "i386") ? "i386" : "x86_64");
        snprintf(name, sizeof(name), "vcpu%u", id);
        device = props_new("driver", driver);
        props_text(&device, "id", name);
        props_number(&device, "thread-id", rest % threads);
        rest /= threads;
        props_number(&device, "core-id", rest % cores);
        rest /= cores;
        if (dies > 1)
                props_number(&device, "die-id", rest % dies);
        rest /= dies;
        props_number(&device, "socket-id", rest);
        plan_json(p, "-device", &device);
}

static void vcpu_build(const Guest *g, Plan *p)
{
        const Cpu *cpu = g->cpu;
        unsigned fixed = set_count(&cpu->online) - set_count(&cpu->plugged);
        Props smp = props_new("cpus", "");

        props_number(&smp, "cpus", fixed);
        if (fixed != cpu->max.value)
                props_number(&smp, "maxcpus", cpu->max.value);
        props_number(&smp, "sockets", cpu->sockets.set ? cpu->sockets.value : cpu->max.value);
        props_number_if(&smp, "dies", cpu->dies);
        props_number_if(&smp, "clusters", cpu->clusters);
        props_number(&smp, "cores", cpu->cores.set ? cpu->cores.value : 1);
        props_number(&smp, "threads", cpu->threads.set ? cpu->threads.value : 1);
        plan_list(p, "-smp", &smp);
        for (unsigned i = 0; i < cpu->max.value; i++)
                if (set_has(&cpu->plugged, i))
                        build_plugged(g, p, i);
}

const GuestPart part_vcpu = {
        .build = vcpu_build,
};
