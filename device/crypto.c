/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* <crypto>: a virtio device that encrypts for the guest, in QEMU itself or in the host's kernel. */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

typedef enum CryptoBackend {
        CRYPTO_BUILTIN = 1,
        CRYPTO_KERNEL,
} CryptoBackend;

typedef struct Crypto {
        Device device;
        int model, type;
        int backend; /* CryptoBackend */
        Number queues;
} Crypto;

static const char *const model_words[] = { "virtio", NULL };
static const char *const type_words[] = { "qemu", NULL };
static const char *const backend_words[] = { "builtin", "lkcf", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@model", Crypto, model, model_words),
        FIELD_OF_WORDS("@type", Crypto, type, type_words),
        FIELD_OF_WORDS("backend@model", Crypto, backend, backend_words),
        FIELD_IN_RANGE("backend@queues", Crypto, queues, 1, UINT16_MAX),
        {},
};

static void crypto_read(Guest *g, Device *d)
{
        const Crypto *c = DEVICE_AS(Crypto, d);

        if (!c->model || !c->type)
                device_error(g, d, "<crypto>: model='virtio' and type='qemu' are required");
        if (!c->backend)
                device_error(
                        g, d,
                        "<crypto>: <backend model='…'/> is missing; the model must be one of: builtin, "
                        "lkcf");
        if (c->backend == CRYPTO_BUILTIN && c->queues.value > 1)
                device_error(g, d, "<backend>: model='builtin' supports only one queue");
}

static void crypto_complete(Guest *g, Device *d)
{
        device_set_id(g, d, "crypto%u", d->index);
        device_virtio_complete(g, d, VIRTIO_MODEL);
        if (d->bus == BUS_PCI)
                d->pci = PCI_CONVENTIONAL; /* libvirt's choice, unlike for all other virtio devices */
}

static void crypto_build(const Guest *g, const Device *d, Plan *p)
{
        const Crypto *c = DEVICE_AS(Crypto, d);
        Props object = props_new(
                "qom-type",
                c->backend == CRYPTO_BUILTIN ? "cryptodev-backend-builtin" : "cryptodev-backend-lkcf");
        Props device = device_virtio_new(d, "virtio-crypto", VIRTIO_MODEL);

        props_textf(&object, "id", "obj%s", d->id);
        props_number_if(&object, "queues", c->queues);
        plan_json(p, "-object", &object);
        props_textf(&device, "cryptodev", "obj%s", d->id);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_crypto = {
        .element = "crypto",
        .size = sizeof(Crypto),
        .fields = fields,
        .has_virtio_options = true,
        .has_acpi_index = true,
        .read = crypto_read,
        .complete = crypto_complete,
        .build = crypto_build,
};
