/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* <parallel>: QEMU has parallel ports only on the ISA bus, and numbers them in order. */

#include "device/char/chardev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define PORTS_MAX 3

typedef struct Parallel {
        Device device;
        Chardev chardev;
} Parallel;

static const Field fields[] = {
        FIELD_SAID("target@type", FIELD_IGNORED, NULL),
        FIELD_SAID("target@port", FIELD_IGNORED, NULL), /* libvirt does not pass it to QEMU either */
        {},
};

static void parallel_read(Guest *g, Device *d)
{
        chardev_read(g, d->xml, &DEVICE_AS(Parallel, d)->chardev);
}

static void parallel_complete(Guest *g, Device *d)
{
        DEVICE_AS(Parallel, d)->chardev.parallel = true;
        device_set_id(g, d, "parallel%u", d->index);
}

static void parallel_check(const Guest *g, const Device *d)
{
        chardev_check(g, &DEVICE_AS(Parallel, d)->chardev);
        if (d->address.type != ADDRESS_NONE && d->address.type != ADDRESS_ISA)
                device_error(g, d, "<parallel>: <address> must have type='isa'");
        if (g->os->family == MACHINE_VIRT)
                device_error(g, d, "<parallel>: this machine type has no parallel ports");
        if (d->index == PORTS_MAX)
                device_error(g, d, "<parallel>: a guest can have at most %u parallel ports", PORTS_MAX);
}

static void parallel_build(const Guest *g, const Device *d, Plan *p)
{
        Props device = props_new("driver", "isa-parallel");

        chardev_build(g, p, &DEVICE_AS(Parallel, d)->chardev, d->id);
        props_textf(&device, "chardev", "char%s", d->id);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_parallel = {
        .element = "parallel",
        .size = sizeof(Parallel),
        .fields = fields,
        .has_acpi_index = true,
        .read = parallel_read,
        .complete = parallel_complete,
        .check = parallel_check,
        .build = parallel_build,
};
