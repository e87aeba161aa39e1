/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* <panic>: how the guest's kernel reports a crash. Hyper-V's way is a CPU feature, not a device. */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

typedef enum PanicModel {
        PANIC_ISA = 1,
        PANIC_HYPERV,
        PANIC_PCI,
} PanicModel;

typedef struct Panic {
        Device device;
        int model; /* PanicModel */
} Panic;

static const char *const model_words[] = { "isa", "hyperv", "pvpanic", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@model", Panic, model, model_words),
        {},
};

static void panic_complete(Guest *g, Device *d)
{
        Panic *panic = DEVICE_AS(Panic, d);

        if (!panic->model)
                panic->model = g->os->arch == ARCH_AARCH64 ? PANIC_PCI : PANIC_ISA;
        if (panic->model == PANIC_PCI) {
                d->bus = BUS_PCI;
                d->pci = PCI_EXPRESS | PCI_INTEGRATED;
        }
}

static void panic_check(const Guest *g, const Device *d)
{
        const Panic *panic = DEVICE_AS(Panic, d);

        if (panic->model != PANIC_PCI && d->address.type != ADDRESS_NONE &&
            (panic->model == PANIC_HYPERV || d->address.type != ADDRESS_ISA))
                device_error(
                        g, d, "<panic>: model='%s' cannot have an <address> of this type",
                        model_words[panic->model - 1]);
        if (panic->model != PANIC_PCI && g->os->arch == ARCH_AARCH64)
                device_error(g, d, "<panic>: model='%s' requires x86", model_words[panic->model - 1]);
        GUEST_FOREACH_DEVICE(g, &kind_panic, other) {
                if (other == d)
                        break;
                if (DEVICE_AS(Panic, other)->model == panic->model)
                        device_error(
                                g, d, "<panic>: a guest can have at most one with model='%s'",
                                model_words[panic->model - 1]);
        }
}

static void panic_build(const Guest *g, const Device *d, Plan *p)
{
        const Panic *panic = DEVICE_AS(Panic, d);
        Props device;

        if (panic->model == PANIC_HYPERV)
                return;
        device = props_new("driver", panic->model == PANIC_PCI ? "pvpanic-pci" : "pvpanic");
        if (panic->model == PANIC_PCI)
                device_props(g, d, &device);
        else if (d->address.type == ADDRESS_ISA)
                props_number_if(&device, "ioport", d->address.isa.iobase);
        plan_json(p, "-device", &device);
}

static void panic_cpu(const Guest *g, const Device *d, Props *cpu)
{
        if (DEVICE_AS(Panic, d)->model == PANIC_HYPERV)
                props_bool(cpu, "hv-crash", true);
}

const DeviceKind kind_panic = {
        .element = "panic",
        .size = sizeof(Panic),
        .fields = fields,
        .has_acpi_index = true,
        .complete = panic_complete,
        .check = panic_check,
        .build = panic_build,
        .cpu = panic_cpu,
};
