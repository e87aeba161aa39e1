/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The floppy controller sits on the ISA bus. The i440fx has one built in; a q35 gets one if there is a
 * floppy drive. QEMU boots from the controller, not from the drive.
 */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/controller.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

static const Field fields[] = {
        CONTROLLER_FIELD_INDEX,
        {},
};

static void complete(Guest *g, Device *d)
{
        /* ignores any address in the XML: it is not a PCI device */
        d->address = (Address){};
}

static void check(const Guest *g, const Device *d)
{
        if (device_controller(d)->index.value != 0)
                device_warning(
                        g, d,
                        "<controller>: ignoring this one: QEMU supports only one floppy controller, with "
                        "index='0'");
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        bool built_in = g->os->family == MACHINE_I440FX || g->os->family == MACHINE_ISAPC, used = false;
        Props props = props_new("driver", "isa-fdc");

        for (size_t i = 0; i < g->n_devices; i++) {
                const Device *drive = g->devices[i];
                char key[32];

                if (drive->drive_bus != DRIVE_FDC)
                        continue;
                used = true;
                if (!drive->boot_index.set)
                        continue;
                (void) snprintf(
                        key, sizeof(key), "%sbootindex%c", built_in ? "isa-fdc." : "",
                        drive->address.drive.unit == 0 ? 'A' : 'B');
                if (built_in) {
                        char value[24];
                        Props global;

                        (void) snprintf(
                                value, sizeof(value), "%llu", (unsigned long long) drive->boot_index.value);
                        global = props_new(key, value);
                        plan_list_named(p, "-global", &global);
                } else {
                        props_number(&props, key, drive->boot_index.value);
                }
        }
        if (used && !built_in)
                plan_json(p, "-device", &props);
        else
                props_done(&props);
}

const DeviceKind kind_controller_fdc = {
        .element = "controller",
        .type = "fdc",
        .size = sizeof(Controller),
        .fields = fields,
        .complete = complete,
        .check = check,
        .build = build,
        .describe = controller_describe,
};
