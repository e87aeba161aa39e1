/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many properties of QEMU's machine come from quite different places in the XML: the RAM's backend, flash
 * chips, ACPI, the speaker's audio. So each part of the guest contributes its share: a part that needs a
 * machine property adds a function here (or to its device kind), and nothing else has to know.
 */

#include "guest/firmware/firmware.h"
#include "guest/firmware/launch-security.h"
#include "guest/guest.h"
#include "guest/machine/clock.h"
#include "guest/machine/features.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/processor/memory.h"
#include "guest/processor/numa.h"

/* In libvirt's order, so that command lines are easy to compare. */
static void (*const machine_parts[])(const Guest *g, Props *machine) = {
        features_machine, memory_machine, firmware_machine, launch_security_machine,
        numa_machine,     clock_machine,  os_machine,
};

static void build_accelerator(const Guest *g, Plan *p)
{
        bool kvm = g->general->type == ACCELERATOR_KVM;
        Props accel = props_new("accel", kvm ? "kvm" : "tcg");

        features_accelerator(g, &accel);
        plan_list(p, "-accel", &accel);
        if (kvm) {
                /* everybody may open it, so no access has to be granted */
                plan_directive(p, "DeviceAllow", "/dev/kvm rw");
                plan_directive(p, "BindPaths", "/dev/kvm");
        } else {
                /* TCG executes code that it generates */
                plan_directive(p, "MemoryDenyWriteExecute", "no");
        }
}

static void machine_build(const Guest *g, Plan *p)
{
        Props machine = props_new("type", g->os->machine);

        props_bool(&machine, "usb", false);
        for (size_t i = 0; i < ELEMENTS(machine_parts); i++)
                machine_parts[i](g, &machine);
        GUEST_FOREACH_DEVICE(g, NULL, d)
                if (d->kind->machine)
                        d->kind->machine(g, d, &machine);
        plan_list(p, "-machine", &machine);
        build_accelerator(g, p);
}

const GuestPart part_machine = {
        .build = machine_build,
};
