/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <hub>: a USB hub, which has nothing but its port. Controllers get one where their ports do not suffice.
 */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

static void complete(Guest *g, Device *d)
{
        d->bus = BUS_USB;
        device_set_id(g, d, "hub%u", d->index);
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        Props props = props_new("driver", "usb-hub");

        device_props(g, d, &props);
        plan_json(p, "-device", &props);
}

static int describe(const Guest *g, const Device *d, XmlElement *e)
{
        return 0; /* its row says all */
}

const DeviceKind kind_hub = {
        .element = "hub",
        .type = "usb",
        .size = sizeof(Device),
        .complete = complete,
        .build = build,
        .describe = describe,
};
