/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <features>: switches of the machine, of KVM and of Hyper-V's interface. Some become properties of the
 * machine, others flags of the CPU, so both ask for them here.
 */

#include "guest/machine/features.h"

#include "guest/guest.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"

static const char *const ioapic_words[] = { "kvm", "qemu", NULL };
static const char *const ioapic_qemu[] = { "on", "split" };
static const char *const gic_words[] = { "2", "3", "host", NULL };
static const char *const hyperv_mode_words[] = { "custom", "passthrough", "host-model", NULL };
enum { HYPERV_CUSTOM = 1, HYPERV_PASSTHROUGH, HYPERV_HOST_MODEL };

#define SPINLOCK_RETRIES_MIN 0xfff /* of the Hyper-V specification */
#define VENDOR_ID_MAX        12
#define DIRTY_RING_MIN       1024 /* entries, as the kernel has it */
#define DIRTY_RING_MAX       65536

#define POWER "is of POWER machines"

static const Field features_fields[] = {
        FIELD("acpi", FIELD_PRESENT, Features, acpi),
        FIELD("apic", FIELD_PRESENT, Features, apic),
        FIELD("apic@eoi", FIELD_SWITCH, Features, apic_eoi),
        FIELD("pmu", FIELD_STATE, Features, pmu),
        FIELD("pvspinlock", FIELD_STATE, Features, pvspinlock),
        FIELD("vmport", FIELD_STATE, Features, vmport),
        FIELD("smm", FIELD_STATE, Features, smm),
        FIELD_OF_SIZE("smm/tseg", Features, tseg, MIB),
        FIELD("ps2", FIELD_STATE, Features, ps2),
        FIELD("ras", FIELD_STATE, Features, ras),
        FIELD("vmcoreinfo", FIELD_STATE, Features, vmcoreinfo),
        FIELD_OF_WORDS("ioapic@driver", Features, ioapic, ioapic_words),
        FIELD_OF_WORDS("gic@version", Features, gic, gic_words),
        FIELD("kvm/hidden", FIELD_STATE, Features, kvm_hidden),
        FIELD("kvm/hint-dedicated", FIELD_STATE, Features, kvm_dedicated),
        FIELD("kvm/poll-control", FIELD_STATE, Features, kvm_poll_control),
        FIELD("kvm/pv-ipi", FIELD_STATE, Features, kvm_pv_ipi),
        FIELD("kvm/dirty-ring", FIELD_STATE, Features, kvm_dirty_ring),
        FIELD_IN_RANGE("kvm/dirty-ring@size", Features, kvm_dirty_ring_size, DIRTY_RING_MIN, DIRTY_RING_MAX),
        FIELD_OF_SIZE("tcg/tb-cache", Features, tcg_tb_cache, KIB),
        FIELD("hyperv", FIELD_PRESENT, Features, hyperv_present),
        FIELD_SAID("pae", FIELD_IGNORED, NULL), /* every CPU model has it that has it */
        /* Xen's; libvirt's QEMU driver takes them too */
        FIELD_SAID("hap", FIELD_IGNORED, NULL),
        FIELD_SAID("viridian", FIELD_IGNORED, NULL),
        FIELD_SAID("privnet", FIELD_IGNORED, NULL),
        FIELD_SAID("capabilities", FIELD_IGNORED, NULL),
        FIELD_SAID("xen", FIELD_WARNED, "is for guests of Xen and left out"),
        FIELD_SAID("msrs", FIELD_WARNED, "is a setting of the host's kernel module here (kvm.ignore_msrs)"),
        FIELD_SAID("async-teardown", FIELD_WARNED, "systemd waits for the end of the guest in any case"),
        FIELD_SAID("hpt", FIELD_REFUSED, POWER),
        FIELD_SAID("htm", FIELD_REFUSED, POWER),
        FIELD_SAID("nested-hv", FIELD_REFUSED, POWER),
        FIELD_SAID("ccf-assist", FIELD_REFUSED, POWER),
        FIELD_SAID("cfpc", FIELD_REFUSED, POWER),
        FIELD_SAID("sbbc", FIELD_REFUSED, POWER),
        FIELD_SAID("ibs", FIELD_REFUSED, POWER),
        FIELD_SAID("aia", FIELD_REFUSED, "is of RISC-V machines"),
        {},
};

/* The Hyper-V features that are only there or not: each row is QEMU's "hv-NAME". */
static const Field hyperv_fields[] = {
        FIELD_OF_WORDS("@mode", Hyperv, mode, hyperv_mode_words),
        FIELD("spinlocks", FIELD_STATE, Hyperv, spinlocks),
        FIELD_IN_RANGE("spinlocks@retries", Hyperv, retries, SPINLOCK_RETRIES_MIN, UINT32_MAX),
        FIELD("vendor_id", FIELD_STATE, Hyperv, vendor),
        FIELD("vendor_id@value", FIELD_TEXT, Hyperv, vendor_id),
        FIELD("stimer", FIELD_STATE, Hyperv, stimer),
        FIELD("stimer/direct", FIELD_STATE, Hyperv, stimer_direct),
        FIELD("tlbflush", FIELD_STATE, Hyperv, tlbflush),
        FIELD("tlbflush/direct", FIELD_STATE, Hyperv, tlbflush_direct),
        FIELD("tlbflush/extended", FIELD_STATE, Hyperv, tlbflush_extended),
        {},
};

static const struct {
        const char *xml, *qemu;
} hyperv_states[] = {
        { "relaxed", "hv-relaxed" },
        { "vapic", "hv-vapic" },
        { "vpindex", "hv-vpindex" },
        { "runtime", "hv-runtime" },
        { "synic", "hv-synic" },
        { "reset", "hv-reset" },
        { "frequencies", "hv-frequencies" },
        { "reenlightenment", "hv-reenlightenment" },
        { "ipi", "hv-ipi" },
        { "evmcs", "hv-evmcs" },
        { "avic", "hv-avic" },
        { "emsr_bitmap", "hv-emsr-bitmap" },
        { "xmm_input", "hv-xmm-input" },
};

static void features_read(Guest *g)
{
        Features *f = guest_own(g, features);
        XmlElement *xml = xml_child(g->xml, "features"), *hyperv = xml ? xml_child(xml, "hyperv") : NULL;

        f->place = xml ? xml->place : g->xml->place;
        if (!xml)
                return;
        fields_read(xml, features_fields, f, g->findings);
        (void) xml_child(xml, "kvm");
        (void) xml_child(xml, "tcg");
        if (!hyperv)
                return;
        fields_read(hyperv, hyperv_fields, &f->hyperv, g->findings);
        for (size_t i = 0; i < ELEMENTS(hyperv_states); i++) {
                const Field row[] = { { hyperv_states[i].xml, FIELD_STATE, .offset = 0 }, {} };

                fields_read(hyperv, row, &f->hyperv.states[i], g->findings);
        }
}

static void features_complete(Guest *g)
{
}

static void check_hyperv(const Guest *g)
{
        const Hyperv *h = &g->features->hyperv;

        if (h->mode == HYPERV_HOST_MODEL)
                guest_warning_at(
                        g, "features/hyperv",
                        "<hyperv>: mode='host-model' is taken as mode='passthrough', so what the guest has "
                        "depends on the host");
        if (h->spinlocks == ON && !h->retries.set)
                guest_error_at(g, "features/hyperv/spinlocks", "<spinlocks>: retries is missing");
        if (h->vendor == ON && !h->vendor_id)
                guest_error_at(g, "features/hyperv/vendor_id", "<vendor_id>: value is missing");
        if (h->vendor_id && (strlen(h->vendor_id) > VENDOR_ID_MAX || strchr(h->vendor_id, ',')))
                guest_error_at(
                        g, "features/hyperv/vendor_id",
                        "<vendor_id>: '%s' is longer than %d characters or holds a comma", h->vendor_id,
                        VENDOR_ID_MAX);
}

static void check_tseg(const Guest *g)
{
        const Features *f = g->features;

        if (!f->tseg.set)
                return;
        if (g->os->family != MACHINE_Q35)
                guest_error_at(g, "features/smm/tseg", "<tseg> is for q35 machines");
        else if (f->tseg.value % MIB)
                guest_error_at(g, "features/smm/tseg", "<tseg>: the size is not in whole MiB");
        else if (f->tseg.value == 0 || f->tseg.value > UINT16_MAX * MIB)
                guest_error_at(
                        g, "features/smm/tseg", "<tseg>: the size is not between 1 and %u MiB", UINT16_MAX);
        else if (f->smm == OFF)
                guest_error_at(g, "features/smm/tseg", "<tseg>: without SMM it has no use");
}

static void check_power_of_two(const Guest *g)
{
        uint64_t n = g->features->kvm_dirty_ring_size.value;

        if (g->features->kvm_dirty_ring == ON && (!g->features->kvm_dirty_ring_size.set || n & (n - 1)))
                guest_error_at(
                        g, "features/kvm/dirty-ring",
                        "<dirty-ring>: a size is needed, and it must be a power of two");
}

static void features_check(const Guest *g)
{
        const Features *f = g->features;
        bool x86 = os_is_x86(g->os), kvm = g->general->type == ACCELERATOR_KVM;

        if (!x86 && (f->apic_eoi != UNSET || f->pvspinlock != UNSET || f->vmport != UNSET || f->ioapic ||
                     f->smm == ON || f->ps2 != UNSET))
                guest_error(
                        g, f->place,
                        "<features>: apic eoi, pvspinlock, vmport, ioapic, smm and ps2 are for x86");
        if (x86 && (f->gic || f->ras != UNSET))
                guest_error(g, f->place, "<features>: gic and ras are for aarch64");
        if (f->vmport != UNSET && x86 && !os_is_pc(g->os) && g->os->family != MACHINE_ISAPC)
                guest_error_at(g, "features/vmport", "<vmport>: this machine has none");
        if (f->ps2 != UNSET && x86 && !os_is_pc(g->os) && g->os->family != MACHINE_ISAPC)
                guest_error_at(g, "features/ps2", "<ps2>: this machine has none");
        if (f->ps2 == OFF && f->vmport == ON)
                guest_error_at(g, "features/vmport", "<vmport> needs <ps2>, which is off");
        if (f->ioapic == IOAPIC_KVM && !kvm)
                guest_error_at(g, "features/ioapic", "<ioapic>: driver='kvm' needs type='kvm'");
        if (f->tcg_tb_cache.set && kvm)
                guest_error_at(g, "features/tcg", "<tcg> is for type='qemu'");
        if (f->tcg_tb_cache.set && f->tcg_tb_cache.value % MIB)
                guest_error_at(g, "features/tcg/tb-cache", "<tb-cache>: the size is not in whole MiB");
        check_tseg(g);
        check_hyperv(g);
        check_power_of_two(g);
}

/* libvirt's default is the newest that the host's KVM has, and the oldest where there is none. */
static const char *gic_version(const Guest *g)
{
        if (g->features->gic)
                return gic_words[g->features->gic - 1];
        return g->general->type == ACCELERATOR_KVM ? "host" : "2";
}

void features_machine(const Guest *g, Props *machine)
{
        const Features *f = g->features;

        props_onoff(machine, "vmport", f->vmport);
        props_onoff(machine, "smm", f->smm);
        props_bool_if(machine, "i8042", f->ps2);
        props_bool_if(machine, "ras", f->ras);
        if (f->ioapic)
                props_text(machine, "kernel_irqchip", ioapic_qemu[f->ioapic - 1]);
        if (g->os->family == MACHINE_VIRT)
                props_text(machine, "gic-version", gic_version(g));
        props_bool(machine, "acpi", f->acpi);
}

void features_accelerator(const Guest *g, Props *accelerator)
{
        const Features *f = g->features;

        if (f->kvm_dirty_ring == ON && g->general->type == ACCELERATOR_KVM)
                props_number_if(accelerator, "dirty-ring-size", f->kvm_dirty_ring_size);
        if (f->tcg_tb_cache.set && f->tcg_tb_cache.value > 0)
                props_number(accelerator, "tb-size", f->tcg_tb_cache.value / MIB);
}

static void add_hyperv(const Hyperv *h, Props *cpu)
{
        if (h->mode == HYPERV_PASSTHROUGH || h->mode == HYPERV_HOST_MODEL)
                props_bool(cpu, "hv-passthrough", true);
        for (size_t i = 0; i < ELEMENTS(hyperv_states); i++)
                if (h->states[i] == ON || (h->states[i] == OFF && h->mode == HYPERV_HOST_MODEL))
                        props_bool(cpu, hyperv_states[i].qemu, h->states[i] == ON);
        if (h->spinlocks == ON)
                props_number_if(cpu, "hv-spinlocks", h->retries);
        if (h->vendor == ON)
                props_text(cpu, "hv-vendor-id", h->vendor_id);
        if (h->stimer == ON) {
                props_bool(cpu, "hv-stimer", true);
                if (h->stimer_direct == ON)
                        props_bool(cpu, "hv-stimer-direct", true);
        }
        if (h->tlbflush == ON) {
                props_bool(cpu, "hv-tlbflush", true);
                if (h->tlbflush_direct == ON)
                        props_bool(cpu, "hv-tlbflush-direct", true);
                if (h->tlbflush_extended == ON)
                        props_bool(cpu, "hv-tlbflush-ext", true);
        }
}

void features_cpu(const Guest *g, Props *cpu)
{
        const Features *f = g->features;

        props_bool_if(cpu, "kvm-pv-eoi", f->apic_eoi);
        props_bool_if(cpu, "kvm-pv-unhalt", f->pvspinlock);
        add_hyperv(&f->hyperv, cpu);
        if (f->kvm_hidden == ON)
                props_bool(cpu, "kvm", false);
        if (f->kvm_dedicated == ON)
                props_bool(cpu, "kvm-hint-dedicated", true);
        if (f->kvm_poll_control == ON)
                props_bool(cpu, "kvm-poll-control", true);
        if (f->kvm_pv_ipi == OFF)
                props_bool(cpu, "kvm-pv-ipi", false);
        props_bool_if(cpu, "pmu", f->pmu);
}

static void features_build(const Guest *g, Plan *p)
{
        const Features *f = g->features;

        if (f->tseg.set) {
                Props tseg = props_new("mch.extended-tseg-mbytes", "");

                props_number(&tseg, "mch.extended-tseg-mbytes", f->tseg.value / MIB);
                plan_list_named(p, "-global", &tseg);
        }
        if (f->vmcoreinfo == ON) {
                Props device = props_new("driver", "vmcoreinfo");

                plan_json(p, "-device", &device);
        }
}

const GuestPart part_features = {
        GUEST_PART(Features, features), .read = features_read,   .complete = features_complete,
        .check = features_check,        .build = features_build,
};
