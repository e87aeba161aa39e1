/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <iommu>: limits which memory of the guest its devices can access. A q35 machine with more than 255 CPUs
 * requires one, because interrupts reach the other CPUs only by remapping; it is added where the XML has
 * none.
 */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/features.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/processor/cpu.h"
#include "guest/xml/write.h"

#define CPUS_WITHOUT_REMAPPING 255

typedef enum IommuModel {
        IOMMU_INTEL = 1,
        IOMMU_SMMUV3,
        IOMMU_VIRTIO,
        IOMMU_AMD,
} IommuModel;

typedef struct Iommu {
        Device device;
        int model; /* IommuModel */
        Tristate intremap, caching_mode, eim, iotlb, dma_translation, passthrough, xtsup;
        Number aw_bits;
} Iommu;

static const char *const model_words[] = { "intel", "smmuv3", "virtio", "amd", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@model", Iommu, model, model_words),
        FIELD("driver@intremap", FIELD_SWITCH, Iommu, intremap),
        FIELD("driver@caching_mode", FIELD_SWITCH, Iommu, caching_mode),
        FIELD("driver@eim", FIELD_SWITCH, Iommu, eim),
        FIELD("driver@iotlb", FIELD_SWITCH, Iommu, iotlb),
        FIELD("driver@dma_translation", FIELD_SWITCH, Iommu, dma_translation),
        FIELD("driver@passthrough", FIELD_SWITCH, Iommu, passthrough),
        FIELD("driver@xtsup", FIELD_SWITCH, Iommu, xtsup),
        FIELD_IN_RANGE("driver@aw_bits", Iommu, aw_bits, 1, 64),
        {},
};

static bool needs_remapping(const Guest *g)
{
        return g->os->family == MACHINE_Q35 && g->cpu->max.value > CPUS_WITHOUT_REMAPPING;
}

static void imply(Guest *g)
{
        size_t i = 0;
        Iommu *iommu;

        if (!needs_remapping(g) || guest_next_device(g, &kind_iommu, &i))
                return;
        iommu = DEVICE_AS(Iommu, guest_add_device(g, &kind_iommu));
        if (iommu)
                iommu->model = IOMMU_INTEL;
}

static void complete(Guest *g, Device *d)
{
        Iommu *iommu = DEVICE_AS(Iommu, d);

        device_set_id(g, d, "iommu%u", d->index);
        if (iommu->model == IOMMU_INTEL && needs_remapping(g)) {
                if (iommu->intremap == UNSET)
                        iommu->intremap = ON;
                if (iommu->eim == UNSET)
                        iommu->eim = ON;
        }
        /* AMD's equivalent */
        if (iommu->model == IOMMU_AMD && needs_remapping(g)) {
                if (iommu->intremap == UNSET)
                        iommu->intremap = ON;
                if (iommu->xtsup == UNSET)
                        iommu->xtsup = ON;
        }
        if (iommu->model == IOMMU_VIRTIO || iommu->model == IOMMU_AMD) {
                d->bus = BUS_PCI;
                d->pci = PCI_EXPRESS | PCI_INTEGRATED;
        }
}

static void check_intel(const Guest *g, const Device *d)
{
        const Iommu *iommu = DEVICE_AS(Iommu, d);

        if (g->os->family != MACHINE_Q35)
                device_error(g, d, "<iommu>: model='intel' requires machine type q35");
        if (iommu->eim == ON && iommu->intremap != ON)
                device_error(g, d, "<iommu>: eim='on' requires intremap='on'");
        if (iommu->intremap == ON && g->features->ioapic == IOAPIC_KVM)
                device_error(g, d, "<iommu>: intremap='on' requires <ioapic driver='qemu'/> in <features>");
        if (needs_remapping(g) && iommu->eim != ON)
                device_error(g, d, "<iommu>: more than %u CPUs require eim='on'", CPUS_WITHOUT_REMAPPING);
}

static void check_amd(const Guest *g, const Device *d)
{
        const Iommu *iommu = DEVICE_AS(Iommu, d);

        if (g->os->family != MACHINE_Q35)
                device_error(g, d, "<iommu>: model='amd' requires machine type q35");
        if (iommu->intremap == ON && g->features->ioapic == IOAPIC_KVM)
                device_error(g, d, "<iommu>: intremap='on' requires <ioapic driver='qemu'/> in <features>");
        if (needs_remapping(g) && iommu->xtsup != ON)
                device_error(g, d, "<iommu>: more than %u CPUs require xtsup='on'", CPUS_WITHOUT_REMAPPING);
}

/* Which attributes of <driver> each model supports. */
static void check_driver(const Guest *g, const Device *d)
{
        const Iommu *iommu = DEVICE_AS(Iommu, d);
        bool common = iommu->intremap || iommu->iotlb,
             intel = iommu->caching_mode || iommu->eim || iommu->dma_translation || iommu->aw_bits.set,
             amd = iommu->passthrough || iommu->xtsup;

        if ((intel && iommu->model != IOMMU_INTEL) || (amd && iommu->model != IOMMU_AMD) ||
            (common && iommu->model != IOMMU_INTEL && iommu->model != IOMMU_AMD))
                device_error(
                        g, d,
                        "<driver>: intremap and iotlb require model='intel' or model='amd'; caching_mode, "
                        "eim, dma_translation and aw_bits require model='intel'; passthrough and xtsup "
                        "require model='amd'");
}

static void check(const Guest *g, const Device *d)
{
        const Iommu *iommu = DEVICE_AS(Iommu, d);

        if (d->index > 0)
                device_error(g, d, "<iommu>: a guest can have at most one");
        check_driver(g, d);
        if (d->bus == BUS_NONE && d->address.type != ADDRESS_NONE)
                device_error(g, d, "<iommu>: <address> requires model='virtio' or model='amd'");
        switch (iommu->model) {
        case IOMMU_INTEL:
                check_intel(g, d);
                break;
        case IOMMU_SMMUV3:
                if (g->os->family != MACHINE_VIRT)
                        device_error(g, d, "<iommu>: model='smmuv3' requires machine type virt");
                break;
        case IOMMU_VIRTIO:
                if (g->os->family != MACHINE_Q35 && g->os->family != MACHINE_VIRT)
                        device_error(g, d, "<iommu>: model='virtio' requires machine type q35 or virt");
                else if (!g->features->acpi)
                        device_error(
                                g, d,
                                "<iommu>: model='virtio' requires <acpi/> in <features>; the guest finds it "
                                "through ACPI");
                break;
        case IOMMU_AMD:
                check_amd(g, d);
                break;
        default:
                device_error(g, d, "<iommu>: model='…' is missing");
        }
}

static void machine(const Guest *g, const Device *d, Props *props)
{
        const Iommu *iommu = DEVICE_AS(Iommu, d);

        if (iommu->model == IOMMU_SMMUV3)
                props_text(props, "iommu", "smmuv3");
        /* KVM's own IOAPIC cannot remap */
        if (iommu->intremap == ON && !g->features->ioapic)
                props_text(props, "kernel_irqchip", "split");
}

/* The PCI function that the guest finds, and the IOMMU that belongs to it. */
static void build_amd(const Guest *g, const Device *d, Plan *p)
{
        const Iommu *iommu = DEVICE_AS(Iommu, d);
        Props function = props_new("driver", "AMDVI-PCI"), props = props_new("driver", "amd-iommu");

        device_props(g, d, &function);
        plan_json(p, "-device", &function);
        props_text(&props, "pci-id", d->id);
        props_onoff(&props, "intremap", iommu->intremap);
        props_bool_if(&props, "pt", iommu->passthrough);
        props_bool_if(&props, "xtsup", iommu->xtsup);
        props_bool_if(&props, "device-iotlb", iommu->iotlb);
        plan_json(p, "-device", &props);
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        const Iommu *iommu = DEVICE_AS(Iommu, d);
        Props props;

        if (iommu->model == IOMMU_SMMUV3)
                return;
        if (iommu->model == IOMMU_AMD) {
                build_amd(g, d, p);
                return;
        }
        props = props_new("driver", iommu->model == IOMMU_INTEL ? "intel-iommu" : "virtio-iommu");
        props_onoff(&props, "intremap", iommu->intremap);
        props_bool_if(&props, "caching-mode", iommu->caching_mode);
        props_onoff(&props, "eim", iommu->eim);
        props_bool_if(&props, "device-iotlb", iommu->iotlb);
        props_number_if(&props, "aw-bits", iommu->aw_bits);
        props_bool_if(&props, "dma-translation", iommu->dma_translation);
        device_props(g, d, &props);
        plan_json(p, "-device", &props);
}

static int describe(const Guest *g, const Device *d, XmlElement *e)
{
        const Iommu *iommu = DEVICE_AS(Iommu, d);
        int r = xml_set(e, "@model", model_words[iommu->model - 1]);

        if (r >= 0 && iommu->intremap == ON)
                r = xml_set(e, "driver@intremap", "on");
        if (r >= 0 && iommu->eim == ON)
                r = xml_set(e, "driver@eim", "on");
        if (r >= 0 && iommu->xtsup == ON)
                r = xml_set(e, "driver@xtsup", "on");
        return r;
}

const DeviceKind kind_iommu = {
        .element = "iommu",
        .size = sizeof(Iommu),
        .fields = fields,
        .imply = imply,
        .complete = complete,
        .check = check,
        .machine = machine,
        .build = build,
        .describe = describe,
};
