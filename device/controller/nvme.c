/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * NVMe controllers, whose disks are namespaces. The serial number belongs to the controller, and QEMU
 * requires it. If the XML gives one to a disk, as for any other bus, the disk's controller takes it.
 */

#include "device/disk/disk.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/controller.h"
#include "guest/place/device-props.h"

#define SERIAL_MAX 20 /* characters, of the NVMe specification */

typedef struct NvmeController {
        Controller controller;
        const char *serial;
        Number queues;
        Tristate ioeventfd;
} NvmeController;

static const Field fields[] = {
        CONTROLLER_FIELD_INDEX,
        FIELD("serial", FIELD_TEXT, NvmeController, serial),
        FIELD_IN_RANGE("driver@queues", NvmeController, queues, 1, UINT16_MAX),
        FIELD("driver@ioeventfd", FIELD_SWITCH, NvmeController, ioeventfd),
        {},
};

static void complete(Guest *g, Device *d)
{
        d->bus = BUS_PCI;
        d->pci = PCI_EXPRESS;
}

static bool is_on(const NvmeController *nvme, const Device *d)
{
        return d->drive_bus == DRIVE_NVME && d->address.drive.controller == nvme->controller.index.value;
}

static void placed(Guest *g, Device *d)
{
        NvmeController *nvme = DEVICE_AS(NvmeController, d);

        GUEST_FOREACH_DEVICE(g, &kind_disk, disk)
                if (is_on(nvme, disk) && !nvme->serial)
                        nvme->serial = device_disk(disk)->serial;
}

static void check(const Guest *g, const Device *d)
{
        const NvmeController *nvme = DEVICE_AS(NvmeController, d);
        unsigned index = (unsigned) nvme->controller.index.value;

        GUEST_FOREACH_DEVICE(g, &kind_disk, other) {
                const char *serial = is_on(nvme, other) ? device_disk(other)->serial : NULL;

                if (serial && !streq_null(serial, nvme->serial))
                        device_error(
                                g, other,
                                "<serial>: disks on the same NVMe controller share one serial number, which "
                                "is already set to '%s'",
                                nvme->serial);
        }
        if (!nvme->serial)
                device_error(
                        g, d,
                        "<serial>: NVMe controller %u requires a serial number; set it here or in one of "
                        "its disks",
                        index);
        else if (strlen(nvme->serial) > SERIAL_MAX)
                device_error(g, d, "<serial>: '%s' is longer than %d characters", nvme->serial, SERIAL_MAX);
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        const NvmeController *nvme = DEVICE_AS(NvmeController, d);
        Props props = props_new("driver", "nvme");

        props_text(&props, "serial", nvme->serial);
        props_number_if(&props, "num_queues", nvme->queues);
        props_bool_if(&props, "ioeventfd", nvme->ioeventfd);
        device_props(g, d, &props);
        plan_json(p, "-device", &props);
}

const DeviceKind kind_controller_nvme = {
        .element = "controller",
        .type = "nvme",
        .size = sizeof(NvmeController),
        .fields = fields,
        .complete = complete,
        .placed = placed,
        .check = check,
        .build = build,
        .describe = controller_describe,
};
