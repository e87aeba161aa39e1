/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* virtio-serial controllers, which channels and virtio consoles plug into. */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/controller.h"
#include "guest/place/device-props.h"
#include "guest/placement/place-serial.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define DEFAULT_PORTS 31

typedef struct VirtioSerial {
        Controller controller;
        int model; /* VirtioModel */
        Number ports, vectors;
} VirtioSerial;

static const Field fields[] = {
        CONTROLLER_FIELD_INDEX,
        FIELD_OF_WORDS("@model", VirtioSerial, model, virtio_model_words),
        FIELD_IN_RANGE("@ports", VirtioSerial, ports, 1, VIRTIO_SERIAL_PORTS_MAX),
        FIELD_IN_RANGE("@vectors", VirtioSerial, vectors, 0, INT32_MAX),
        {},
};

static void complete(Guest *g, Device *d)
{
        VirtioSerial *serial = DEVICE_AS(VirtioSerial, d);

        serial->controller.ports = serial->ports.set ? (unsigned) serial->ports.value : DEFAULT_PORTS;
        device_virtio_complete(g, d, serial->model);
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        const VirtioSerial *serial = DEVICE_AS(VirtioSerial, d);
        Props props = device_virtio_new(d, "virtio-serial", serial->model);

        props_number_if(&props, "max_ports", serial->ports);
        props_number_if(&props, "vectors", serial->vectors);
        device_props(g, d, &props);
        plan_json(p, "-device", &props);
}

const DeviceKind kind_controller_virtio_serial = {
        .element = "controller",
        .type = "virtio-serial",
        .size = sizeof(VirtioSerial),
        .fields = fields,
        .has_virtio_options = true,
        .complete = complete,
        .build = build,
        .describe = controller_describe,
};
