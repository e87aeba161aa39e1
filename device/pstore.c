/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* <pstore>: where a crashing guest saves its last messages, in a file of the host. */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

typedef struct Pstore {
        Device device;
        int backend;
        const char *path;
        Number size;
        bool own; /* the file is in the guest's state directory */
} Pstore;

static const char *const backend_words[] = { "acpi-erst", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@backend", Pstore, backend, backend_words),
        FIELD("path", FIELD_PATH, Pstore, path),
        FIELD_OF_SIZE("size", Pstore, size, KIB),
        {},
};

static void pstore_read(Guest *g, Device *d)
{
        const Pstore *s = DEVICE_AS(Pstore, d);

        if (!s->backend)
                device_error(g, d, "<pstore>: backend='acpi-erst' is required");
        if (!s->size.set)
                device_error(g, d, "<pstore>: <size> is missing");
        if (d->index > 0)
                device_error(g, d, "<pstore>: a guest can have at most one");
}

static void pstore_complete(Guest *g, Device *d)
{
        Pstore *s = DEVICE_AS(Pstore, d);

        if (!s->path) {
                s->path = guest_text(g, "%s/pstore.raw", g->settings->state_directory);
                s->own = true;
        }
        device_set_id(g, d, "pstore%u", d->index);
        d->bus = BUS_PCI;
        d->pci = PCI_CONVENTIONAL;
}

static void pstore_build(const Guest *g, const Device *d, Plan *p)
{
        const Pstore *s = DEVICE_AS(Pstore, d);
        Props object = props_new("qom-type", "memory-backend-file");
        Props device = props_new("driver", "acpi-erst");

        props_textf(&object, "id", "mem%s", d->id);
        props_text(&object, "mem-path", s->path);
        props_number(&object, "size", s->size.value);
        props_bool(&object, "share", true);
        plan_json(p, "-object", &object);
        if (!s->own)
                plan_grant(p, s->path, ACCESS_WRITE);
        props_textf(&device, "memdev", "mem%s", d->id);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_pstore = {
        .element = "pstore",
        .size = sizeof(Pstore),
        .fields = fields,
        .has_acpi_index = true,
        .read = pstore_read,
        .complete = pstore_complete,
        .build = pstore_build,
};
