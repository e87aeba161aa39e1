/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What placement knows about controllers. Their kinds are files of device/ like any other. Each of their
 * structs starts with this one, and complete() of the kind fills in what the controller offers to devices.
 */

#include "guest/device.h"
#include "guest/place/pci.h"
#include "util/ownership.h"

typedef enum ControllerType {
        CONTROLLER_PCI,
        CONTROLLER_USB,
        CONTROLLER_SCSI,
        CONTROLLER_IDE,
        CONTROLLER_SATA,
        CONTROLLER_FDC,
        CONTROLLER_VIRTIO_SERIAL,
        CONTROLLER_CCID,
        CONTROLLER_NVME,
} ControllerType;

#define CONTROLLER_INDEX_MAX 255

typedef struct Controller {
        Device device;
        Number index;
        PciModel pci_model;   /* of a PCI controller */
        Number home;          /* address of index 0 if built into the machine: slot << 3 | function */
        unsigned ports;       /* for USB or virtio-serial devices; 0 for a USB companion */
        bool usb2, companion; /* one of the four functions of an ICH9 controller; and not their EHCI */
        unsigned function;    /* of usb2: the PCI function that it has in real hardware */
        bool disabled;        /* USB is switched off */
        bool narrow;          /* SCSI: a bus of 8, whose units are QEMU's targets */
        bool short_ids;       /* SCSI: its drives' ids name no target */
} Controller;

#define CONTROLLER_FIELD_INDEX FIELD_IN_RANGE("@index", Controller, index, 0, CONTROLLER_INDEX_MAX)

#define device_controller(d) DEVICE_AS_HEAD(Controller, "controller", d)

/* NULL if the device is not a controller; otherwise *ret is its type. */
Controller *controller_of(Device *d, ControllerType *ret);

/*
 * The controller of that type and index (the EHCI, if companions share it), or NULL. It is as const as g
 * is.
 */
#define controller_find(g, type, index) ((GUEST_CONTROLLER(g)) controller_find_any(g, type, index))
Controller *controller_find_any(const Guest *g, ControllerType type, unsigned index);

/*
 * Adds a controller among those of its type, unless it exists, and completes it. pci_model is for PCI
 * controllers only. NULL if out of memory.
 */
Controller *controller_imply(Guest *g, ControllerType type, unsigned index, PciModel pci_model);

/*
 * Sorts the XML's controllers as libvirt does, by type and index, because that is the order of placement and
 * of QEMU's options. Gives an index to each that has none.
 */
void controllers_settle(Guest *g);

/* QEMU's name for a controller: "usb", "scsi1", "pcie.0". It depends on the index. */
void controllers_set_ids(Guest *g);

/* For DeviceKind.describe: what all controllers have. */
int controller_describe(const Guest *g, const Device *d, XmlElement *e);

/* A pointer to a controller that is as const as g is. */
#define GUEST_CONTROLLER(g) PART_POINTER(Controller, Guest, g)

#define GUEST_FOREACH_CONTROLLER(g, of_type, c)                 \
        for (size_t i_##c = 0; i_##c < (g)->n_devices; i_##c++) \
                for (GUEST_CONTROLLER(g) c = controller_of_type((g)->devices[i_##c], of_type); c; c = NULL)

/* The device as a controller, if it is one of that type. */
Controller *controller_of_type(Device *d, ControllerType type);
