/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <rng>: a source of random numbers: the host, QEMU's own generator, or a daemon behind a character device.
 */

#include "device/char/chardev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define RATE_PERIOD 1000 /* in milliseconds, libvirt's default */

typedef enum RngBackend {
        RNG_RANDOM = 1,
        RNG_EGD,
        RNG_BUILTIN,
} RngBackend;

typedef struct Rng {
        Device device;
        int model;   /* VirtioModel */
        int backend; /* RngBackend */
        XmlElement *backend_element;
        const char *file; /* of RNG_RANDOM */
        Chardev chardev;  /* of RNG_EGD */
        Number bytes, period;
        bool limited;
} Rng;

static const char *const backend_words[] = { "random", "egd", "builtin", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@model", Rng, model, virtio_model_words),
        FIELD("rate", FIELD_PRESENT, Rng, limited),
        FIELD_IN_RANGE("rate@bytes", Rng, bytes, 1, UINT32_MAX),
        FIELD_IN_RANGE("rate@period", Rng, period, 1, UINT32_MAX),
        FIELD("backend", FIELD_ELEMENT, Rng, backend_element),
        FIELD_OF_WORDS("backend@model", Rng, backend, backend_words),
        {},
};

static const Field random_fields[] = {
        FIELD(".", FIELD_TEXT, Rng, file),
        {},
};

static void rng_read(Guest *g, Device *d)
{
        Rng *r = DEVICE_AS(Rng, d);

        if (!r->model)
                device_error(g, d, "<rng>: model='virtio' is missing");
        if (!r->backend)
                device_error(
                        g, d,
                        "<rng>: <backend model='…'> is missing; the model must be one of: random, egd, "
                        "builtin");
        if (r->limited && !r->bytes.set)
                device_error(g, d, "<rng>: <rate> requires bytes='…'");
        if (r->backend == RNG_RANDOM && r->backend_element->text)
                fields_read(r->backend_element, random_fields, r, g->findings);
        if (r->backend == RNG_EGD)
                chardev_read(g, r->backend_element, &r->chardev);
}

static void rng_complete(Guest *g, Device *d)
{
        Rng *r = DEVICE_AS(Rng, d);

        if (r->backend == RNG_RANDOM && !r->file)
                r->file = "/dev/random";
        device_set_next_id(g, d, "rng");
        device_virtio_complete(g, d, r->model);
}

static void rng_check(const Guest *g, const Device *d)
{
        const Rng *r = DEVICE_AS(Rng, d);

        if (r->backend == RNG_EGD)
                chardev_check(g, &r->chardev);
}

/* PrivateDevices= of systemd leaves these two visible. */
static bool everybody_has(const char *file)
{
        return streq(file, "/dev/random") || streq(file, "/dev/urandom");
}

static void build_backend(const Guest *g, const Rng *r, Plan *p)
{
        static const char *const types[] = {
                [RNG_RANDOM] = "rng-random",
                [RNG_EGD] = "rng-egd",
                [RNG_BUILTIN] = "rng-builtin",
        };
        Props object = props_new("qom-type", types[r->backend]);

        props_textf(&object, "id", "obj%s", r->device.id);
        if (r->backend == RNG_RANDOM) {
                props_text(&object, "filename", r->file);
                if (!everybody_has(r->file))
                        plan_share_device(p, r->file);
        } else if (r->backend == RNG_EGD) {
                chardev_build(g, p, &r->chardev, r->device.id);
                props_textf(&object, "chardev", "char%s", r->device.id);
        }
        plan_json(p, "-object", &object);
}

static void rng_build(const Guest *g, const Device *d, Plan *p)
{
        const Rng *r = DEVICE_AS(Rng, d);
        Props device;

        build_backend(g, r, p);
        device = device_virtio_new(d, "virtio-rng", r->model);
        props_textf(&device, "rng", "obj%s", d->id);
        if (r->bytes.set) {
                props_number(&device, "max-bytes", r->bytes.value);
                props_number(&device, "period", r->period.set ? r->period.value : RATE_PERIOD);
        }
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_rng = {
        .element = "rng",
        .size = sizeof(Rng),
        .fields = fields,
        .has_virtio_options = true,
        .has_acpi_index = true,
        .read = rng_read,
        .complete = rng_complete,
        .check = rng_check,
        .build = rng_build,
};
