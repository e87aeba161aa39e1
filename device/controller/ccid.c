/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reader for smart cards: a USB device with one slot. */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/controller.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

static const Field fields[] = {
        CONTROLLER_FIELD_INDEX,
        {},
};

static void complete(Guest *g, Device *d)
{
        d->bus = BUS_USB;
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        Props props = props_new("driver", "usb-ccid");

        device_props(g, d, &props);
        plan_json(p, "-device", &props);
}

const DeviceKind kind_controller_ccid = {
        .element = "controller",
        .type = "ccid",
        .size = sizeof(Controller),
        .fields = fields,
        .complete = complete,
        .build = build,
        .describe = controller_describe,
};
