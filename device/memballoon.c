/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <memballoon>: memory that the guest returns to the host while it runs. Every guest has one unless the XML
 * says model='none': libvirt adds it, so a guest moved from libvirt would otherwise miss a PCI device.
 */

#include "device/kinds.h"

#include "contract/options.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/processor/memory.h"
#include "guest/xml/write.h"

enum {
        MODEL_NONE = VIRTIO_MODEL_NON_TRANSITIONAL + 1,
};

typedef struct Memballoon {
        Device device;
        int model; /* VirtioModel, or MODEL_NONE */
        Tristate deflate, report;
} Memballoon;

static const char *const model_words[] = {
        "virtio", "virtio-transitional", "virtio-non-transitional", "none", NULL,
};

static const Field fields[] = {
        FIELD_OF_WORDS("@model", Memballoon, model, model_words),
        FIELD("@autodeflate", FIELD_SWITCH, Memballoon, deflate),
        FIELD("@freePageReporting", FIELD_SWITCH, Memballoon, report),
        FIELD_SAID("stats", FIELD_IGNORED, NULL), /* how often libvirt polls statistics; vmunit does not */
        {},
};

static void memballoon_read(Guest *g, Device *d)
{
        Memballoon *m = DEVICE_AS(Memballoon, d);

        if (!m->model)
                device_error(
                        g, d, "<memballoon>: model='…' is missing; use 'virtio', or 'none' for no balloon");
        if (d->index > 0)
                device_error(g, d, "<memballoon>: a guest can have at most one");
}

/* Only PCs have one by default. */
static void memballoon_imply(Guest *g)
{
        size_t i = 0;
        Memballoon *m;

        if (guest_next_device(g, &kind_memballoon, &i))
                return;
        m = DEVICE_AS(Memballoon, guest_add_device(g, &kind_memballoon));
        if (m && !os_is_x86(g->os))
                m->model = MODEL_NONE;
}

static void memballoon_complete(Guest *g, Device *d)
{
        Memballoon *m = DEVICE_AS(Memballoon, d);

        if (m->model == MODEL_NONE)
                return;
        device_set_id(g, d, "balloon%u", d->index);
        device_virtio_complete(g, d, m->model);
}

static void memballoon_check(const Guest *g, const Device *d)
{
        const Memballoon *m = DEVICE_AS(Memballoon, d);

        if (m->model != MODEL_NONE)
                return;
        if (d->address.type != ADDRESS_NONE)
                device_error(g, d, "<memballoon>: model='none' cannot have an <address>");
        if (m->deflate != UNSET || m->report != UNSET)
                device_error(
                        g, d,
                        "<memballoon>: model='none' cannot be combined with autodeflate or "
                        "freePageReporting");
        if (memory_balloon(g) > 0)
                guest_warning_at(
                        g, "currentMemory",
                        "<currentMemory>: ignored: a guest without a <memballoon> keeps all of its memory");
}

static void memballoon_build(const Guest *g, const Device *d, Plan *p)
{
        const Memballoon *m = DEVICE_AS(Memballoon, d);
        Props device;

        if (m->model == MODEL_NONE)
                return;
        device = device_virtio_new(d, "virtio-balloon", m->model);
        props_bool_if(&device, "deflate-on-oom", m->deflate);
        props_bool_if(&device, "free-page-reporting", m->report);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
        if (memory_balloon(g) > 0)
                plan_run(p, "--" OPTION_BALLOON "=%llu", (unsigned long long) memory_balloon(g));
}

static int memballoon_describe(const Guest *g, const Device *d, XmlElement *e)
{
        const Memballoon *m = DEVICE_AS(Memballoon, d);

        return xml_set(e, "@model", model_words[(m->model ?: VIRTIO_MODEL) - 1]);
}

const DeviceKind kind_memballoon = {
        .element = "memballoon",
        .size = sizeof(Memballoon),
        .fields = fields,
        .has_virtio_options = true,
        .imply = memballoon_imply,
        .read = memballoon_read,
        .complete = memballoon_complete,
        .check = memballoon_check,
        .build = memballoon_build,
        .describe = memballoon_describe,
};
