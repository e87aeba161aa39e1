/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <watchdog>. A q35 machine always has one in its ICH9. libvirt lists it as model='itco' and enables it, so
 * a guest moved from libvirt expects it. QEMU has one action for all watchdogs of a guest.
 */

#include "contract/options.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/xml/write.h"

typedef enum WatchdogModel {
        WATCHDOG_I6300ESB = 1,
        WATCHDOG_IB700,
        WATCHDOG_ITCO,
} WatchdogModel;

typedef enum WatchdogAction {
        WATCHDOG_RESET = 1,
        WATCHDOG_SHUTDOWN,
        WATCHDOG_POWEROFF,
        WATCHDOG_PAUSE,
        WATCHDOG_NONE,
        WATCHDOG_DUMP,
        WATCHDOG_INJECT_NMI,
} WatchdogAction;

typedef struct Watchdog {
        Device device;
        int model;  /* WatchdogModel */
        int action; /* WatchdogAction */
} Watchdog;

static const char *const model_words[] = { "i6300esb", "ib700", "itco", NULL };
static const char *const action_words[] = {
        "reset", "shutdown", "poweroff", "pause", "none", "dump", "inject-nmi", NULL,
};

static const Field fields[] = {
        FIELD_OF_WORDS("@model", Watchdog, model, model_words),
        FIELD_OF_WORDS("@action", Watchdog, action, action_words),
        {},
};

static const Watchdog *first_watchdog(const Guest *g)
{
        size_t i = 0;

        return DEVICE_AS(Watchdog, guest_next_device(g, &kind_watchdog, &i));
}

static void watchdog_read(Guest *g, Device *d)
{
        Watchdog *w = DEVICE_AS(Watchdog, d);

        if (!w->model)
                device_error(
                        g, d, "<watchdog>: model='…' is missing; it must be one of: i6300esb, ib700, itco");
}

static void watchdog_imply(Guest *g)
{
        const Watchdog *first = first_watchdog(g);
        int action = first ? first->action : 0;
        Watchdog *w;

        if (g->os->family != MACHINE_Q35)
                return;
        GUEST_FOREACH_DEVICE(g, &kind_watchdog, d)
                if (DEVICE_AS(Watchdog, d)->model == WATCHDOG_ITCO)
                        return;
        w = DEVICE_AS(Watchdog, guest_add_device(g, &kind_watchdog));
        if (!w)
                return;
        w->model = WATCHDOG_ITCO;
        w->action = action;
}

static void watchdog_complete(Guest *g, Device *d)
{
        Watchdog *w = DEVICE_AS(Watchdog, d);

        if (!w->action)
                w->action = WATCHDOG_RESET;
        device_set_id(g, d, "watchdog%u", d->index);
        if (w->model == WATCHDOG_I6300ESB) {
                d->bus = BUS_PCI;
                d->pci = PCI_CONVENTIONAL;
        }
}

static void watchdog_check(const Guest *g, const Device *d)
{
        const Watchdog *w = DEVICE_AS(Watchdog, d);

        if (w->model == WATCHDOG_ITCO && g->os->family != MACHINE_Q35)
                device_error(g, d, "<watchdog>: model='itco' requires machine type q35");
        if (w->model == WATCHDOG_IB700 && g->os->family != MACHINE_I440FX)
                device_error(g, d, "<watchdog>: model='ib700' requires machine type i440fx (pc)");
        if (w->model != WATCHDOG_I6300ESB && d->address.type != ADDRESS_NONE)
                device_error(
                        g, d, "<watchdog>: model='%s' cannot have an <address>", model_words[w->model - 1]);
        if (w->action != first_watchdog(g)->action)
                device_error(g, d, "<watchdog>: all watchdogs of a guest must have the same action");
}

static void watchdog_build(const Guest *g, const Device *d, Plan *p)
{
        const Watchdog *w = DEVICE_AS(Watchdog, d);
        Props device;

        if (w->model == WATCHDOG_ITCO) {
                plan_value(p, "-global", "ICH9-LPC.noreboot=off");
        } else {
                device = props_new("driver", model_words[w->model - 1]);
                device_props(g, d, &device);
                plan_json(p, "-device", &device);
        }
        if (d->index == 0 && w->action == WATCHDOG_DUMP)
                plan_run(p, "--" OPTION_WATCHDOG_DUMP);
        if (d->index == 0)
                plan_value(
                        p, "-watchdog-action",
                        w->action == WATCHDOG_DUMP ? "pause" : action_words[w->action - 1]);
}

static int watchdog_describe(const Guest *g, const Device *d, XmlElement *e)
{
        const Watchdog *w = DEVICE_AS(Watchdog, d);
        int r = xml_set(e, "@model", model_words[w->model - 1]);

        return r < 0 ? r : xml_set(e, "@action", action_words[w->action - 1]);
}

const DeviceKind kind_watchdog = {
        .element = "watchdog",
        .size = sizeof(Watchdog),
        .fields = fields,
        .has_acpi_index = true,
        .imply = watchdog_imply,
        .read = watchdog_read,
        .complete = watchdog_complete,
        .check = watchdog_check,
        .build = watchdog_build,
        .describe = watchdog_describe,
};
