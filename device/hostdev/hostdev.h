/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kinds that pass a device of the host to the guest have in common. */

#include "contract/line/device-request.h"
#include "guest/device.h"

/* An error if the administrator's policy forbids devices of the host. */

/* The attribute mode; only the first is supported. */
typedef enum HostdevMode {
        HOSTDEV_SUBSYSTEM = 1,
        HOSTDEV_CAPABILITIES,
} HostdevMode;

extern const char *const hostdev_mode_words[];
void hostdev_check_mode(const Guest *g, const Device *d, int mode);

/* A PCI device of the host, as <source><address …/></source> names it. */
typedef struct HostPci {
        int address_type; /* of interfaces: 1, "pci" */
        Number domain, bus, slot, function;
        int driver; /* HostPciDriver of hostdev.c */
        const char *module;
        Tristate managed, iommufd;
} HostPci;

/* Rows for a struct with a HostPci of that name in it. */
#define HOST_PCI_FIELDS(struct_, member_)                                                            \
        FIELD_OF_WORDS("source/address@type", struct_, member_.address_type, hostdev_address_words), \
                FIELD_IN_RANGE("source/address@domain", struct_, member_.domain, 0, 0xffff),         \
                FIELD_IN_RANGE("source/address@bus", struct_, member_.bus, 0, 0xff),                 \
                FIELD_IN_RANGE("source/address@slot", struct_, member_.slot, 0, 0x1f),               \
                FIELD_IN_RANGE("source/address@function", struct_, member_.function, 0, 7),          \
                FIELD_OF_WORDS("driver@name", struct_, member_.driver, hostdev_driver_words),        \
                FIELD("driver@model", FIELD_TEXT, struct_, member_.module),                          \
                FIELD("driver@iommufd", FIELD_YESNO, struct_, member_.iommufd),                      \
                FIELD("@managed", FIELD_YESNO, struct_, member_.managed)

extern const char *const hostdev_address_words[];
extern const char *const hostdev_driver_words[];

bool host_pci_equal(const HostPci *a, const HostPci *b);

/* Errors for what is missing, and if another element of this guest names the same device. */
void host_pci_check(const Guest *g, const Device *d, const HostPci *h);

/* "vfio-pci" with the device as QEMU names it, ready for further props. */
Props host_pci_new(const HostPci *h);

/* What the host must do: find the device, bind it to VFIO and pass it on. vf: what to set if it is a virtual
 * function of a network card, or NULL. */
void host_pci_plan(const HostPci *h, const VfSettings *vf, Plan *p);

/* What every device that is passed through VFIO needs. */
void hostdev_plan_vfio(Plan *p);

typedef enum TeamingType {
        TEAMING_TRANSIENT = 1,
        TEAMING_PERSISTENT,
} TeamingType;

/* <teaming type='transient' persistent='…'/>: the interface that takes over while this one is away for a
 * migration. */
typedef struct Teaming {
        int type; /* TeamingType */
        const char *persistent;
} Teaming;

extern const char *const hostdev_teaming_words[];
void hostdev_check_teaming(const Guest *g, const Device *d, const Teaming *t);

/*
 * The head of the structs of kinds that are a PCI device of the host: <hostdev type='pci'> and <interface
 * type='hostdev'>. Such kinds say .has_host_pci.
 */
typedef struct HostPciDevice {
        Device device;
        HostPci host;
        Teaming teaming;
} HostPciDevice;

/* The head of a device of such a kind; NULL for any other device. */
const HostPciDevice *host_pci_device(const Device *d);

/* What those kinds have in common; vf is as for host_pci_plan(). */
void host_pci_device_complete(Guest *g, Device *d);
void host_pci_device_build(const Guest *g, const HostPciDevice *h, const VfSettings *vf, Plan *p);
