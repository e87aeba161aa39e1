/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <features>: switches of the machine, of KVM and of Hyper-V's interface. Some become properties of the
 * machine and others flags of the CPU, so the parts that build these call functions of this file.
 */

#include "guest/machine/features.h"

#include "guest/guest.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"

static const char *const ioapic_words[] = { [IOAPIC_KVM - 1] = "kvm", [IOAPIC_QEMU - 1] = "qemu", NULL };
static const char *const ioapic_qemu[] = { [IOAPIC_KVM - 1] = "on", [IOAPIC_QEMU - 1] = "split" };
static const char *const gic_words[] = { "2", "3", "host", NULL };
static const char *const hyperv_mode_words[] = { "custom", "passthrough", "host-model", NULL };
enum { HYPERV_CUSTOM = 1, HYPERV_PASSTHROUGH, HYPERV_HOST_MODEL };

#define SPINLOCK_RETRIES_MIN 0xfff /* from the Hyper-V specification */
#define VENDOR_ID_MAX        12
#define DIRTY_RING_MIN       1024 /* entries; the kernel's limits */
#define DIRTY_RING_MAX       65536

#define POWER "exists only on POWER machines, which are not supported"

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
        FIELD_SAID("pae", FIELD_IGNORED, NULL), /* whether the guest has it depends on the CPU model alone */
        /* for Xen; libvirt's QEMU driver accepts them too */
        FIELD_SAID("hap", FIELD_IGNORED, NULL),
        FIELD_SAID("viridian", FIELD_IGNORED, NULL),
        FIELD_SAID("privnet", FIELD_IGNORED, NULL),
        FIELD_SAID("capabilities", FIELD_IGNORED, NULL),
        FIELD_SAID("xen", FIELD_WARNED, "ignored: applies only to guests of Xen"),
        FIELD_SAID(
                "msrs", FIELD_WARNED,
                "ignored: set the host's kernel module parameter kvm.ignore_msrs instead"),
        FIELD_SAID(
                "async-teardown", FIELD_WARNED, "ignored: systemd always waits until the guest has ended"),
        FIELD_SAID("hpt", FIELD_REFUSED, POWER),
        FIELD_SAID("htm", FIELD_REFUSED, POWER),
        FIELD_SAID("nested-hv", FIELD_REFUSED, POWER),
        FIELD_SAID("ccf-assist", FIELD_REFUSED, POWER),
        FIELD_SAID("cfpc", FIELD_REFUSED, POWER),
        FIELD_SAID("sbbc", FIELD_REFUSED, POWER),
        FIELD_SAID("ibs", FIELD_REFUSED, POWER),
        FIELD_SAID("aia", FIELD_REFUSED, "exists only on RISC-V machines, which are not supported"),
        {},
};

/* Hyper-V features with parameters; those that are only on or off are in hyperv_states. */
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
                        "<hyperv>: treating mode='host-model' as mode='passthrough', so the guest's "
                        "features depend on the host");
        if (h->spinlocks == ON && !h->retries.set)
                guest_error_at(
                        g, "features/hyperv/spinlocks", "<spinlocks>: the attribute retries is required");
        if (h->vendor == ON && !h->vendor_id)
                guest_error_at(
                        g, "features/hyperv/vendor_id", "<vendor_id>: the attribute value is required");
        if (h->vendor_id && (strlen(h->vendor_id) > VENDOR_ID_MAX || strchr(h->vendor_id, ',')))
                guest_error_at(
                        g, "features/hyperv/vendor_id",
                        "<vendor_id>: '%s' must be at most %d characters without commas", h->vendor_id,
                        VENDOR_ID_MAX);
}

static void check_tseg(const Guest *g)
{
        const Features *f = g->features;

        if (!f->tseg.set)
                return;
        if (g->os->family != MACHINE_Q35)
                guest_error_at(g, "features/smm/tseg", "<tseg> requires a q35 machine");
        else if (f->tseg.value % MIB)
                guest_error_at(g, "features/smm/tseg", "<tseg>: the size must be a whole number of MiB");
        else if (f->tseg.value == 0 || f->tseg.value > UINT16_MAX * MIB)
                guest_error_at(
                        g, "features/smm/tseg", "<tseg>: the size must be between 1 and %u MiB", UINT16_MAX);
        else if (f->smm == OFF)
                guest_error_at(g, "features/smm/tseg", "<tseg>: requires <smm state='on'>");
}

static void check_power_of_two(const Guest *g)
{
        uint64_t n = g->features->kvm_dirty_ring_size.value;

        if (g->features->kvm_dirty_ring == ON && (!g->features->kvm_dirty_ring_size.set || n & (n - 1)))
                guest_error_at(
                        g, "features/kvm/dirty-ring",
                        "<dirty-ring>: size is required and must be a power of two");
}

static void features_check(const Guest *g)
{
        const Features *f = g->features;
        bool x86 = os_is_x86(g->os), kvm = g->general->type == ACCELERATOR_KVM;

        if (!x86 && (f->apic_eoi != UNSET || f->pvspinlock != UNSET || f->vmport != UNSET || f->ioapic ||
                     f->smm == ON || f->ps2 != UNSET))
                guest_error(
                        g, f->place,
                        "<features>: apic eoi, pvspinlock, vmport, ioapic, smm and ps2 require an x86 "
                        "guest");
        if (x86 && (f->gic || f->ras != UNSET))
                guest_error(g, f->place, "<features>: gic and ras require arch='aarch64'");
        if (f->vmport != UNSET && x86 && !os_is_pc(g->os) && g->os->family != MACHINE_ISAPC)
                guest_error_at(g, "features/vmport", "<vmport>: not supported by this machine type");
        if (f->ps2 != UNSET && x86 && !os_is_pc(g->os) && g->os->family != MACHINE_ISAPC)
                guest_error_at(g, "features/ps2", "<ps2>: not supported by this machine type");
        if (f->ps2 == OFF && f->vmport == ON)
                guest_error_at(g, "features/vmport", "<vmport> requires <ps2>, which is off");
        if (!kvm && f->ioapic == IOAPIC_KVM)
                guest_error_at(g, "features/ioapic", "<ioapic>: driver='kvm' requires <domain type='kvm'>");
        if (f->tcg_tb_cache.set && kvm)
                guest_error_at(g, "features/tcg", "<tcg> requires <domain type='qemu'>");
        if (f->tcg_tb_cache.set && f->tcg_tb_cache.value % MIB)
                guest_error_at(
                        g, "features/tcg/tb-cache", "<tb-cache>: the size must be a whole number of MiB");
        check_tseg(g);
        check_hyperv(g);
        check_power_of_two(g);
}

/* As in libvirt: the newest that the host's KVM supports, or the oldest without KVM. */
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
