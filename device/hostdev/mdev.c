/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <hostdev type='mdev'>: a mediated device, such as a slice of a graphics card. It must
 * exist on the host; the launcher makes the guest's user the owner of the node of its IOMMU group.
 */

#include "contract/options.h"
#include "device/graphics/graphics.h"
#include "device/hostdev/hostdev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

typedef struct HostdevMdev {
        Device device;
        int mode, model; /* HostdevMode, MdevModel */
        Tristate managed, display, ramfb;
        const char *uuid;
} HostdevMdev;

typedef enum MdevModel {
        MDEV_VFIO_PCI = 1,
        MDEV_VFIO_CCW,
        MDEV_VFIO_AP,
} MdevModel;

static const char *const model_words[] = { "vfio-pci", "vfio-ccw", "vfio-ap", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@mode", HostdevMdev, mode, hostdev_mode_words),
        FIELD_OF_WORDS("@model", HostdevMdev, model, model_words),
        FIELD("@managed", FIELD_YESNO, HostdevMdev, managed),
        FIELD("@display", FIELD_SWITCH, HostdevMdev, display),
        FIELD("@ramfb", FIELD_SWITCH, HostdevMdev, ramfb),
        FIELD("source/address@uuid", FIELD_UUID, HostdevMdev, uuid),
        FIELD_SAID("rom", FIELD_WARNED, "is ignored for mediated devices, as under libvirt"),
        {},
};

static void hostdev_mdev_complete(Guest *g, Device *d)
{
        HostdevMdev *m = DEVICE_AS(HostdevMdev, d);
        char uuid[37];

        device_set_next_id(g, d, "hostdev");
        if (m->uuid && text_to_uuid(m->uuid, uuid) >= 0)
                m->uuid = guest_text(g, "%s", uuid);
        d->bus = BUS_PCI;
        d->pci = PCI_EXPRESS;
}

static void hostdev_mdev_check(const Guest *g, const Device *d)
{
        const HostdevMdev *m = DEVICE_AS(HostdevMdev, d);

        hostdev_check_mode(g, d, m->mode);
        if (!m->model)
                device_error(g, d, "<hostdev>: type='mdev' requires model='vfio-pci'");
        else if (m->model != MDEV_VFIO_PCI)
                device_error(
                        g, d,
                        "<hostdev>: model='%s' is not supported on this architecture; use model='vfio-pci'",
                        model_words[m->model - 1]);
        if (!m->uuid)
                device_error(g, d, "<source>: <address uuid='…'/> is missing");
        if (m->managed == ON)
                device_error(
                        g, d,
                        "<hostdev>: managed='yes' is not supported for mediated devices; create the device "
                        "with mdevctl and remove managed='yes'");
        if (m->display == ON && !graphics_have(g, NULL))
                device_error(g, d, "<hostdev>: display='on' requires <graphics>");
        if (m->ramfb == ON && m->display != ON)
                device_error(g, d, "<hostdev>: ramfb='on' requires display='on'");
        GUEST_FOREACH_DEVICE(g, &kind_hostdev_mdev, other) {
                const HostdevMdev *o = DEVICE_AS(HostdevMdev, other);

                if (other == d)
                        break;
                if (streq_null(o->uuid, m->uuid))
                        device_error(
                                g, d, "<hostdev>: this device is already assigned to this guest in line %u",
                                other->place.line);
                if (o->ramfb == ON && m->ramfb == ON)
                        device_error(g, d, "<hostdev>: only one device can have ramfb='on'");
        }
}

static void hostdev_mdev_build(const Guest *g, const Device *d, Plan *p)
{
        const HostdevMdev *m = DEVICE_AS(HostdevMdev, d);
        Props device = props_new("driver", m->ramfb == ON ? "vfio-pci-nohotplug" : "vfio-pci");
        MdevRequest request = { 0 };

        props_textf(&device, "sysfsdev", "/sys/bus/mdev/devices/%s", m->uuid);
        props_text(&device, "display", m->display == ON ? "on" : "off");
        if (m->ramfb == ON)
                props_bool(&device, "ramfb", true);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
        (void) text_to_uuid(m->uuid, request.uuid);
        plan_prepare(p, OPTION_MDEV, mdev_request_write(&request));
        hostdev_plan_vfio(p);
}

const DeviceKind kind_hostdev_mdev = {
        .element = "hostdev",
        .type = "mdev",
        .size = sizeof(HostdevMdev),
        .fields = fields,
        .has_boot = true,
        .has_acpi_index = true,
        .complete = hostdev_mdev_complete,
        .check = hostdev_mdev_check,
        .build = hostdev_mdev_build,
};
