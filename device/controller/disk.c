/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* IDE and SATA controllers. Index 0 is part of the machine: IDE on i440fx, SATA on q35. */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/controller.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

static const Field fields[] = {
        CONTROLLER_FIELD_INDEX,
        {},
};

static void complete_ide(Guest *g, Device *d)
{
        Controller *c = device_controller(d);

        if (g->os->family == MACHINE_I440FX)
                c->home = (Number){ 0x01 << 3 | 1, true };
        d->bus = BUS_PCI;
        d->pci = PCI_CONVENTIONAL;
}

static void check_ide(const Guest *g, const Device *d)
{
        const Controller *c = device_controller(d);

        if (g->os->family != MACHINE_I440FX && g->os->family != MACHINE_ISAPC)
                device_error(g, d, "<controller>: this machine type has no IDE; use type='sata'");
        else if (c->index.value != 0)
                device_error(
                        g, d, "<controller>: this machine type has only one IDE controller, with index='0'");
}

static void complete_sata(Guest *g, Device *d)
{
        Controller *c = device_controller(d);

        if (g->os->family == MACHINE_Q35)
                c->home = (Number){ 0x1f << 3 | 2, true };
        d->bus = BUS_PCI;
        d->pci = PCI_CONVENTIONAL;
}

static void build_sata(const Guest *g, const Device *d, Plan *p)
{
        const Controller *c = device_controller(d);
        Props props;

        if (c->home.set && c->index.value == 0)
                return;
        props = props_new("driver", "ahci");
        device_props(g, d, &props);
        plan_json(p, "-device", &props);
}

const DeviceKind kind_controller_ide = {
        .element = "controller",
        .type = "ide",
        .default_type = "yes",
        .size = sizeof(Controller),
        .fields = fields,
        .complete = complete_ide,
        .check = check_ide,
        .describe = controller_describe,
};

const DeviceKind kind_controller_sata = {
        .element = "controller",
        .type = "sata",
        .size = sizeof(Controller),
        .fields = fields,
        .complete = complete_sata,
        .build = build_sata,
        .describe = controller_describe,
};
