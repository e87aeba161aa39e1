/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The conversion does not look at the host's CPU, so QEMU decides at start what libvirt would find out
 * earlier. QEMU omits a feature that the host lacks, which is what "optional" means, and host-model becomes
 * all that the host has, with a warning.
 */

#include "guest/processor/cpu.h"

#include "guest/guest.h"
#include "guest/machine/clock.h"
#include "guest/machine/features.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"
#include "guest/processor/numa.h"

static const char *const mode_words[] = { "custom", "host-model", "host-passthrough", "maximum", NULL };
static const char *const match_words[] = { "exact", "minimum", "strict", NULL };
static const char *const check_words[] = { "none", "partial", "full", NULL };
static const char *const cpu_cache_words[] = { "passthrough", "emulate", "disable", NULL };
static const char *const phys_words[] = { "passthrough", "emulate", NULL };
static const char *const policy_words[] = { "force", "require", "optional", "disable", "forbid", NULL };
enum { MATCH_EXACT = 1, MATCH_MINIMUM, MATCH_STRICT };
enum { CACHE_PASSTHROUGH = 1, CACHE_EMULATE, CACHE_DISABLE };
enum { PHYS_PASSTHROUGH = 1, PHYS_EMULATE };
enum { POLICY_FORCE = 1, POLICY_REQUIRE, POLICY_OPTIONAL, POLICY_DISABLE, POLICY_FORBID };

#define VENDOR_ID_LENGTH 12

static const Field cpu_fields[] = {
        FIELD_OF_WORDS("@mode", Cpu, mode, mode_words),
        FIELD_OF_WORDS("@match", Cpu, match, match_words),
        FIELD_OF_WORDS("@check", Cpu, check, check_words),
        FIELD("@migratable", FIELD_SWITCH, Cpu, migratable),
        FIELD("model", FIELD_STRING, Cpu, model),
        FIELD("model@fallback", FIELD_TEXT, Cpu, fallback),
        FIELD("model@vendor_id", FIELD_TEXT, Cpu, vendor_id),
        FIELD("vendor", FIELD_TEXT, Cpu, vendor),
        FIELD_OF_WORDS("cache@mode", Cpu, cache_mode, cpu_cache_words),
        FIELD_IN_RANGE("cache@level", Cpu, cache_level, 1, 3),
        FIELD_OF_WORDS("maxphysaddr@mode", Cpu, phys_mode, phys_words),
        FIELD_IN_RANGE("maxphysaddr@bits", Cpu, phys_bits, 1, 64),
        FIELD_IN_RANGE("maxphysaddr@limit", Cpu, phys_limit, 1, 64),
        {},
};

/* Names that libvirt spells differently from QEMU, besides "_" for "-". */
static const struct {
        const char *libvirt, *qemu;
} feature_names[] = {
        { "pclmuldq", "pclmulqdq" },
};

/* Features that libvirt knows, but QEMU does not (any more). */
static const char *const features_of_others[] = {
        "cmt", "mbm_total", "mbm_local", "osxsave", "ospke", "pconfig", NULL,
};

/*
 * Features that QEMU removed from a model. Old machine types bring them back; libvirt prevents that, and so
 * does this. Source: the features that libvirt's src/cpu_map calls removed.
 */
static const struct {
        const char *model;
        const char *features[2];
} removed_features[] = {
        { "EPYC", { "monitor" } },
        { "EPYC-IBPB", { "monitor" } },
        { "Dhyana", { "monitor" } },
        { "Opteron_G3", { "monitor" } },
        { "Skylake-Client", { "mpx" } },
        { "Skylake-Client-IBRS", { "mpx" } },
        { "Skylake-Client-noTSX-IBRS", { "mpx" } },
        { "Skylake-Server", { "mpx" } },
        { "Skylake-Server-IBRS", { "mpx" } },
        { "Skylake-Server-noTSX-IBRS", { "mpx" } },
        { "Cascadelake-Server", { "mpx" } },
        { "Cascadelake-Server-noTSX", { "mpx" } },
        { "Icelake-Client", { "intel-pt" } },
        { "Icelake-Client-noTSX", { "intel-pt" } },
        { "Icelake-Server", { "intel-pt", "mpx" } },
        { "Icelake-Server-noTSX", { "intel-pt", "mpx" } },
};

static const char *feature_name(Guest *g, const char *name)
{
        char *copy;

        for (size_t i = 0; i < ELEMENTS(feature_names); i++)
                if (streq(feature_names[i].libvirt, name))
                        return feature_names[i].qemu;
        copy = guest_zeroed(g, strlen(name) + 1, 1);
        for (size_t i = 0; copy && name[i]; i++)
                copy[i] = name[i] == '_' ? '-' : name[i];
        return copy;
}

static bool has_feature(const Cpu *cpu, const char *name)
{
        for (unsigned i = 0; i < cpu->n_features; i++)
                if (streq(cpu->features[i].name, name))
                        return true;
        return false;
}

static void read_feature(Guest *g, XmlElement *e)
{
        Cpu *cpu = guest_own(g, cpu);
        const char *name = xml_attribute(e, "name"), *policy_text = xml_attribute(e, "policy");
        int policy = policy_text ? words_find(policy_words, policy_text) : POLICY_REQUIRE;

        if (!name || !*name ||
            strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
                    strlen(name)) {
                guest_error(
                        g, e->place, "<feature>: name='…' is missing or not a valid name of a CPU feature");
                return;
        }
        if (policy == 0) {
                guest_error(
                        g, e->place,
                        "<feature>: policy='%s' must be one of: force, require, optional, disable, forbid%s",
                        policy_text, words_hint(policy_words, policy_text).text);
                return;
        }
        if (words_find(features_of_others, name))
                return;
        name = feature_name(g, name);
        if (name && has_feature(cpu, name))
                guest_error(g, e->place, "<feature>: duplicate name='%s'", name);
        else if (cpu->n_features == CPU_FEATURES_MAX)
                guest_error(g, e->place, "<feature>: at most %d are supported", CPU_FEATURES_MAX);
        else if (name)
                cpu->features[cpu->n_features++] = (CpuFeature){ name, policy <= POLICY_OPTIONAL };
}

static void cpu_read(Guest *g)
{
        Cpu *cpu = guest_own(g, cpu);

        cpu->xml = xml_child(g->xml, "cpu");
        vcpu_read(g);
        numa_read(g, cpu->xml);
        if (!cpu->xml)
                return;
        cpu->features = guest_zeroed(g, CPU_FEATURES_MAX, sizeof(*cpu->features));
        fields_read(cpu->xml, cpu_fields, cpu, g->findings);
        if (!cpu->features)
                return;
        XML_FOREACH(e, cpu->xml, "feature")
                read_feature(g, e);
}

static void add_removed_features(Cpu *cpu)
{
        for (size_t i = 0; i < ELEMENTS(removed_features); i++) {
                if (!streq_null(removed_features[i].model, cpu->model))
                        continue;
                for (size_t j = 0; j < ELEMENTS(removed_features[i].features); j++) {
                        const char *name = removed_features[i].features[j];

                        if (name && !has_feature(cpu, name) && cpu->n_features < CPU_FEATURES_MAX)
                                cpu->features[cpu->n_features++] = (CpuFeature){ name, false };
                }
        }
}

static void cpu_complete(Guest *g)
{
        Cpu *cpu = guest_own(g, cpu);

        vcpu_complete(g);
        numa_complete(g);
        if (!cpu->mode)
                cpu->mode = CPU_CUSTOM;
        if (cpu->mode == CPU_CUSTOM && cpu->features)
                add_removed_features(cpu);
        if (cpu->mode == CPU_HOST_PASSTHROUGH && cpu->migratable == UNSET && os_is_x86(g->os))
                cpu->migratable = ON;
}

static bool is_whole_host(const Cpu *cpu)
{
        return cpu->mode == CPU_HOST_PASSTHROUGH || cpu->mode == CPU_MAXIMUM;
}

static void check_cache_and_address(const Guest *g)
{
        const Cpu *cpu = g->cpu;

        if (cpu->cache_mode == CACHE_PASSTHROUGH && !is_whole_host(cpu))
                guest_error_at(
                        g, "cpu/cache",
                        "<cache>: mode='passthrough' requires <cpu mode='host-passthrough'> or <cpu "
                        "mode='maximum'>");
        if (cpu->cache_mode == CACHE_EMULATE && cpu->cache_level.set && cpu->cache_level.value != 3)
                guest_error_at(g, "cpu/cache", "<cache>: mode='emulate' requires level='3'");
        if (cpu->cache_mode && cpu->cache_mode != CACHE_EMULATE && cpu->cache_level.set)
                guest_error_at(g, "cpu/cache", "<cache>: level requires mode='emulate'");
        if (cpu->cache_level.set && !cpu->cache_mode)
                guest_error_at(g, "cpu/cache", "<cache>: mode='…' is missing");
        if ((cpu->phys_bits.set || cpu->phys_limit.set) && !cpu->phys_mode)
                guest_error_at(g, "cpu/maxphysaddr", "<maxphysaddr>: mode='…' is missing");
        if (cpu->phys_mode == PHYS_PASSTHROUGH && cpu->phys_bits.set)
                guest_error_at(
                        g, "cpu/maxphysaddr",
                        "<maxphysaddr>: bits cannot be combined with mode='passthrough'");
        if (cpu->phys_mode == PHYS_PASSTHROUGH && !is_whole_host(cpu))
                guest_error_at(
                        g, "cpu/maxphysaddr",
                        "<maxphysaddr>: mode='passthrough' requires <cpu mode='host-passthrough'> or <cpu "
                        "mode='maximum'>");
        if (cpu->phys_mode == PHYS_EMULATE && cpu->phys_limit.set)
                guest_error_at(
                        g, "cpu/maxphysaddr", "<maxphysaddr>: limit cannot be combined with mode='emulate'");
        if ((cpu->phys_mode || cpu->cache_mode) && !os_is_x86(g->os))
                guest_error(g, cpu->place, "<cpu>: <cache> and <maxphysaddr> require an x86 guest");
}

/* Vector lengths are features, too: "sve128". */
static bool is_sve_length(const CpuFeature *f)
{
        const char *length = text_after(f->name, "sve");

        return length && *length && length[strspn(length, "0123456789")] == '\0';
}

static const CpuFeature *sve_of(const Cpu *cpu)
{
        for (unsigned i = 0; i < cpu->n_features; i++)
                if (streq(cpu->features[i].name, "sve"))
                        return &cpu->features[i];
        return NULL;
}

static bool has_sve_length(const Cpu *cpu)
{
        for (unsigned i = 0; i < cpu->n_features; i++)
                if (cpu->features[i].on && is_sve_length(&cpu->features[i]))
                        return true;
        return false;
}

static bool sve_is_implied(const Cpu *cpu)
{
        return has_sve_length(cpu) && !sve_of(cpu);
}

static void cpu_check(const Guest *g)
{
        const Cpu *cpu = g->cpu;
        bool kvm = g->general->type == ACCELERATOR_KVM;

        vcpu_check(g);
        numa_check(g);
        if (cpu->mode == CPU_HOST_PASSTHROUGH && !kvm)
                guest_error(g, cpu->place, "<cpu>: mode='host-passthrough' requires <domain type='kvm'>");
        if (cpu->mode == CPU_HOST_MODEL)
                guest_warning(
                        g, cpu->place,
                        "<cpu>: mode='host-model' is treated as mode='%s', so the guest's CPU depends on "
                        "the host's%s",
                        kvm ? "host-passthrough" : "maximum", kvm ? "" : " QEMU");
        if (cpu->match == MATCH_MINIMUM)
                guest_warning(g, cpu->place, "<cpu>: match='minimum' is treated as 'exact'");
        if (cpu->migratable != UNSET && !is_whole_host(cpu))
                guest_error(
                        g, cpu->place,
                        "<cpu>: migratable requires mode='host-passthrough' or mode='maximum'");
        if (cpu->mode == CPU_CUSTOM && !cpu->model && cpu->n_features > 0)
                guest_error(g, cpu->place, "<cpu>: <feature> requires <model>");
        if (has_sve_length(cpu) && !sve_is_implied(cpu) && !sve_of(cpu)->on)
                guest_error(
                        g, cpu->place,
                        "<cpu>: a required vector length (sve…) needs the feature 'sve', which is disabled");
        if (cpu->vendor && !cpu->model)
                guest_error(g, cpu->place, "<cpu>: <vendor> requires <model>");
        if (cpu->fallback && !streq(cpu->fallback, "allow") && !streq(cpu->fallback, "forbid"))
                guest_error_at(
                        g, "cpu/model", "<model>: fallback='%s' must be one of: allow, forbid",
                        cpu->fallback);
        if (cpu->vendor_id && (strlen(cpu->vendor_id) != VENDOR_ID_LENGTH || strchr(cpu->vendor_id, ',')))
                guest_error_at(
                        g, "cpu/model", "<model>: vendor_id='%s' must be %d characters without a comma",
                        cpu->vendor_id, VENDOR_ID_LENGTH);
        check_cache_and_address(g);
}

const char *cpu_model(const Guest *g)
{
        const Cpu *cpu = g->cpu;

        switch (cpu->mode) {
        case CPU_HOST_PASSTHROUGH:
                return "host";
        case CPU_MAXIMUM:
                return "max";
        case CPU_HOST_MODEL:
                return g->general->type == ACCELERATOR_KVM ? "host" : "max";
        default:
                if (cpu->model)
                        return cpu->model;
                if (os_is_x86(g->os))
                        return text_ends_with(g->general->emulator, "i386") ? "qemu32" : "qemu64";
                return g->general->type == ACCELERATOR_KVM ? "host" : "cortex-a57";
        }
}

static void add_cache_and_address(const Cpu *cpu, Props *props)
{
        bool host_off = cpu->cache_mode == CACHE_EMULATE || cpu->cache_mode == CACHE_DISABLE;

        if (cpu->cache_mode == CACHE_EMULATE)
                props_bool(props, "l3-cache", true);
        else if (cpu->cache_mode)
                props_bool(props, "l3-cache", false);
        if (cpu->cache_mode == CACHE_PASSTHROUGH)
                props_bool(props, "host-cache-info", true);
        else if (host_off && is_whole_host(cpu))
                props_bool(props, "host-cache-info", false);
        if (cpu->phys_mode == PHYS_PASSTHROUGH) {
                props_bool(props, "host-phys-bits", true);
                props_number_if(props, "host-phys-bits-limit", cpu->phys_limit);
        } else if (cpu->phys_mode == PHYS_EMULATE) {
                if (cpu->phys_bits.set)
                        props_number_if(props, "phys-bits", cpu->phys_bits);
                else
                        props_bool(props, "host-phys-bits", false);
        }
}

static void cpu_build(const Guest *g, Plan *p)
{
        const Cpu *cpu = g->cpu;
        Props props = props_new("model", cpu_model(g));

        props_bool_if(&props, "migratable", cpu->migratable);
        props_text(&props, "vendor", cpu->vendor_id);
        if (sve_is_implied(cpu))
                props_bool(&props, "sve", true);
        for (unsigned i = 0; i < cpu->n_features; i++)
                props_bool(&props, cpu->features[i].name, cpu->features[i].on);
        clock_cpu(g, &props);
        features_cpu(g, &props);
        GUEST_FOREACH_DEVICE(g, NULL, d)
                if (d->kind->cpu)
                        d->kind->cpu(g, d, &props);
        add_cache_and_address(cpu, &props);
        plan_list(p, "-cpu", &props);
}

const GuestPart part_cpu = {
        GUEST_PART(Cpu, cpu), .read = cpu_read,   .complete = cpu_complete,
        .check = cpu_check,   .build = cpu_build,
};
