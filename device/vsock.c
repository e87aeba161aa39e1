/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <vsock>: sockets between guest and host. For cid auto='yes', libvirt takes the lowest number that is free
 * on the host. Here the number is derived (guest/identity.h): it never changes, and two guests rarely
 * collide.
 */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/identity.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define CID_MIN UINT32_C(3) /* lower ones are the host's, or reserved */
#define CID_MAX UINT32_C(0xfffffffe)
#define NODE    "/dev/vhost-vsock"

typedef struct Vsock {
        Device device;
        int model; /* VirtioModel */
        Tristate automatic;
        Number cid;
} Vsock;

static const Field fields[] = {
        FIELD_OF_WORDS("@model", Vsock, model, virtio_model_words),
        FIELD("cid@auto", FIELD_YESNO, Vsock, automatic),
        FIELD_IN_RANGE("cid@address", Vsock, cid, CID_MIN, CID_MAX),
        {},
};

static void vsock_read(Guest *g, Device *d)
{
        const Vsock *v = DEVICE_AS(Vsock, d);

        if (d->index > 0)
                device_error(g, d, "<vsock>: a guest can have at most one");
        if (v->automatic == OFF && !v->cid.set)
                device_error(g, d, "<cid>: auto='no' requires address='…'");
        if (v->model == VIRTIO_MODEL_TRANSITIONAL)
                device_warning(
                        g, d,
                        "<vsock>: model='virtio-transitional' is not supported by QEMU 5.1 or later; the "
                        "guest will not start");
}

static void vsock_complete(Guest *g, Device *d)
{
        Vsock *v = DEVICE_AS(Vsock, d);
        bool missing = v->automatic == ON || !v->cid.set;

        if (missing)
                v->cid = (Number){ CID_MIN + identity_derive(g, "cid", 0) % (CID_MAX - CID_MIN), true };
        identity_add(
                g, (Identity){ "cid", 0, d->xml, "cid@address",
                               guest_text(g, "%llu", (unsigned long long) v->cid.value), missing });
        if (v->automatic == ON)
                identity_add(g, (Identity){ "cid@auto", 0, d->xml, "cid@auto", "no", true, true });
        device_set_id(g, d, "vsock%u", d->index);
        device_virtio_complete(g, d, v->model);
}

static void vsock_build(const Guest *g, const Device *d, Plan *p)
{
        const Vsock *v = DEVICE_AS(Vsock, d);
        Props device = device_virtio_new(d, "vhost-vsock", v->model);
        char cid[sizeof("4294967295")];

        snprintf(cid, sizeof(cid), "%u", (unsigned) v->cid.value);
        plan_claim(p, CLAIM_VSOCK_CID, cid, d->place);
        props_number(&device, "guest-cid", v->cid.value);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
        plan_share_device(p, NODE);
}

const DeviceKind kind_vsock = {
        .element = "vsock",
        .size = sizeof(Vsock),
        .fields = fields,
        .has_virtio_options = true,
        .has_acpi_index = true,
        .read = vsock_read,
        .complete = vsock_complete,
        .build = vsock_build,
};
