/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Devices of the host that a guest gets: one host-KIND.c for each kind. Open this to add a kind; parsing its
 * argument is in device-request.h. The kernel's tree is read below `sysfs`, which is SYSFS except in tests.
 * Failures are logged: -ENODEV and the like if the device does not exist, -EBUSY if it is in use, -EPERM if
 * it cannot be handed out.
 */

#include "contract/line/device-request.h"
#include "launcher/grant/grant.h"
#include "launcher/host/undo-log.h"
#include "launcher/store/fd-store.h"

/* Opens a USB device into the store as "usb.ID". */
int usb_take(const Granting *granting, const char *sysfs, const UsbRequest *q, Store *store);
int usb_find(const char *sysfs, const UsbRequest *q, char **ret_path, dev_t *ret_device);

/* Hands a SCSI unit to the guest's user and opens it into the store as "scsi.ID". */
int scsi_take(const Granting *granting, const char *sysfs, const ScsiRequest *q, Store *store);
int scsi_find(const char *sysfs, const ScsiRequest *q, char **ret_name);

/* Binds the PCI devices to VFIO's driver and hands the nodes of their IOMMU groups to the guest's user. */
int pci_take(
        const Granting *granting, const char *sysfs, const PciRequest *requests, size_t count,
        UndoLog *undo);

/* Checks whether a device can be assigned; the caller owns its group's number. */
int pci_check(
        const char *sysfs, const PciRequest *requests, size_t count, const PciRequest *q, char **ret_group);

/*
 * Binds the device to the requested driver, unless it already is. pci_undo() returns it to its previous
 * driver, for undo.c.
 */
int pci_bind(const char *sysfs, const PciRequest *q, UndoLog *undo);
int pci_undo(char *words);

/* A step's parts; texts point into `words`. -EBADMSG. */
typedef struct PciStep {
        const char *address, *ours;
        const char *override; /* "" for none */
        const char *before;   /* the driver that it had; NULL for none */
} PciStep;
int pci_parse_step(char *words, PciStep *ret);

/*
 * Sets the MAC address and VLAN of a virtual function of a network card, in the host's network namespace.
 * The other three are its parts: finding the physical function's interface and the function's number;
 * restoring the old values, for undo.c; and parsing such a step, whose texts point into `words`.
 */
int vf_set(const char *sysfs, const char *address, const VfSettings *settings, UndoLog *undo);
int vf_find(const char *sysfs, const char *address, char **ret_interface, unsigned *ret_number);
int vf_undo(char *words);

typedef struct VfStep {
        unsigned index, number; /* of the physical function's interface; of the virtual function */
        const char *interface;
        VfSettings before;
} VfStep;
int vf_parse_step(char *words, VfStep *ret);

/* Hands the node of a mediated device's IOMMU group to the guest's user. */
int mdev_take(const Granting *granting, const char *sysfs, const MdevRequest *q);
int mdev_find(const char *sysfs, const MdevRequest *q, char **ret_group);
