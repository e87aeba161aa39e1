/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What all devices have in common, and what a device kind provides.
 *
 * A kind is one file in device/ and one row in device/kinds.h. The guest goes through its devices in phases,
 * each over all devices before the next: read, complete, place (guest/place/), placed, check, build. From
 * check on, nothing changes the guest. A kind implements the phases it needs.
 */

#include "guest/xml/field.h"
#include "util/ownership.h"

typedef struct Guest Guest;
typedef struct Plan Plan;
typedef struct Props Props;
typedef struct Device Device;
typedef struct DeviceKind DeviceKind;

typedef enum AddressType {
        ADDRESS_NONE, /* not in the XML, and not placed yet */
        ADDRESS_PCI,
        ADDRESS_DRIVE,
        ADDRESS_VIRTIO_SERIAL,
        ADDRESS_CCID,
        ADDRESS_USB,
        ADDRESS_ISA,
        ADDRESS_DIMM,
        ADDRESS_VIRTIO_MMIO,
        ADDRESS_MDEV,
        ADDRESS_UNASSIGNED,
} AddressType;

#define USB_PORT_DEPTH 4 /* how deep hubs may be nested; libvirt's limit */

typedef struct Address {
        AddressType type;
        union {
                struct {
                        unsigned domain, bus, slot, function;
                        Tristate multifunction;
                } pci;
                struct {
                        unsigned controller, bus, target, unit;
                } drive;
                struct {
                        unsigned controller, bus, port;
                } serial; /* virtio-serial */
                struct {
                        unsigned controller, slot;
                } ccid;
                struct {
                        unsigned bus;
                        unsigned port[USB_PORT_DEPTH]; /* from 1; 0 ends it; port[0] == 0: only the bus was
                                                          given */
                } usb;
                struct {
                        Number iobase, irq;
                } isa;
                struct {
                        Number slot, base;
                } dimm;
        };
} Address;

/*
 * The bus that a device plugs into; its kind says so in complete(), and guest/placement/place.c then finds
 * it a place there. An address from the XML is kept, but must be of the bus's type.
 */
typedef enum Bus {
        BUS_NONE,  /* no address, or one that only the device itself understands */
        BUS_PCI,   /* say what slot in Device.pci */
        BUS_DRIVE, /* the unit of a controller: say which controllers in Device.drive_bus, and drive_index if
                      known */
        BUS_VIRTIO_SERIAL,
        BUS_CCID,
        BUS_USB,
        BUS_DIMM, /* a slot of <maxMemory slots=> */
} Bus;

/* What slot a PCI device wants. The first three are for any device, the others only for PCI controllers. */
typedef enum PciWant {
        PCI_CONVENTIONAL = 1 << 0, /* a conventional slot */
        PCI_EXPRESS = 1 << 1,      /* an express slot if the machine has any, else a conventional one */
        PCI_INTEGRATED = 1 << 2,   /* only on the root bus itself; with one of those above */
        PCI_BRIDGE = 1 << 3,
        PCI_EXPANDER = 1 << 4,
        PCI_ROOT_PORT = 1 << 5,
        PCI_UPSTREAM_PORT = 1 << 6,
        PCI_DOWNSTREAM_PORT = 1 << 7,
        PCI_DMI_BRIDGE = 1 << 8,
        PCI_EXPRESS_BRIDGE = 1 << 9, /* pcie-to-pci-bridge */
        PCI_EXPRESS_EXPANDER = 1 << 10,
} PciWant;

#define NVME_NAMESPACES 256 /* of one of QEMU's controllers */

/* The kinds of controllers whose units are drives; those of NVMe are its namespaces, less one. */
typedef enum DriveBus {
        DRIVE_NONE,
        DRIVE_FDC,
        DRIVE_IDE,
        DRIVE_SATA,
        DRIVE_SCSI,
        DRIVE_NVME,
} DriveBus;

/* Which of <os><boot dev='…'/> means this device. */
typedef enum BootClass {
        BOOT_CLASS_NONE,
        BOOT_CLASS_FLOPPY,
        BOOT_CLASS_CDROM,
        BOOT_CLASS_DISK,
        BOOT_CLASS_NETWORK,
} BootClass;

/* The values of model='virtio…' of most virtio devices, in the order of virtio_model_words. */
typedef enum VirtioModel {
        VIRTIO_MODEL = 1,
        VIRTIO_MODEL_TRANSITIONAL, /* with the legacy interface: a conventional slot */
        VIRTIO_MODEL_NON_TRANSITIONAL,
} VirtioModel;

extern const char *const virtio_model_words[];

typedef struct VirtioOptions {
        Tristate iommu, ats, packed, page_per_vq;
} VirtioOptions;

typedef struct Rom {
        Tristate enabled, bar;
        const char *file;
} Rom;

#define DEVICE_ACPI_INDEX_MAX 16383 /* QEMU's */

/* The head of every kind's own struct, which has it as its first member, named "device". */
struct Device {
        const DeviceKind *kind;
        XmlElement *xml; /* NULL for an implied device */
        Place place;     /* for findings; that of <devices> for an implied device */
        unsigned index;  /* among the guest's devices of the same element, in order */
        const char *id;  /* QEMU's: "net0"; set in complete(), or by the placing where it depends on the
                            address */
        bool user_id;    /* the XML chose it (<alias name='ua-…'/>): must not be replaced */
        Address address;
        Bus bus;
        unsigned pci; /* PciWant bits */
        DriveBus drive_bus;
        Number drive_index;   /* from a disk's <target dev=>: 1 for sdb; unset: the next free unit */
        Number pci_preferred; /* slot << 3 | function of bus 0 that it takes if free */
        Number boot_order;
        BootClass boot_class;
        Number boot_index; /* QEMU's bootindex: from boot_order or from <os><boot>; see guest/place/boot.c */
        Number acpi_index;
        Rom rom;
        VirtioOptions virtio;
};

struct DeviceKind {
        const char *element; /* the element's name in <devices> */
        const char *type; /* and the value of its attribute "type", or NULL for any that no other row has */
        const char *default_type; /* row is also taken where "type" is absent: "yes" or NULL */
        size_t size;              /* of the kind's own struct */
        const Field *fields;      /* what the element holds, beside what every device may */
        bool has_virtio_options;  /* <driver iommu= ats= packed= page_per_vq=> */
        bool has_rom, has_boot, has_acpi_index;
        bool has_host_pci; /* its struct begins with a HostPciDevice of device/hostdev/hostdev.h */

        void (*read)(Guest *g, Device *d); /* what the table cannot say; g->findings for errors */
        void (*imply)(Guest *g);           /* once per guest, before any complete(): adds implied devices */
        /* fills in defaults, bus, pci, id; may imply further devices */
        void (*complete)(Guest *g, Device *d);
        void (*placed)(Guest *g, Device *d); /* fills in what follows from the addresses of devices */
        /* what only the whole guest, with its addresses, can tell */
        void (*check)(const Guest *g, const Device *d);
        void (*build)(const Guest *g, const Device *d, Plan *p);

        /* writes into the device's element what complete() and placed() chose where the XML is silent, so
         * that later versions choose the same; an implied device of a kind without it is implied again. 0 or
         * -ENOMEM. */
        int (*describe)(const Guest *g, const Device *d, XmlElement *e);

        /* for the few that add to -machine and -cpu */
        void (*machine)(const Guest *g, const Device *d, Props *machine);
        void (*cpu)(const Guest *g, const Device *d, Props *cpu);
};

/*
 * The device as its kind's own struct, as const as d is; NULL for NULL. A device of a kind whose struct has
 * another size is a programming error and aborts the program.
 */
#define DEVICE_AS(type, d) ((PART_POINTER(type, Device, d)) device_as(d, sizeof(type)))

/* The same for a struct that the kinds of one element share as the head of theirs. */
#define DEVICE_AS_HEAD(type, element, d) ((PART_POINTER(type, Device, d)) device_as_head(d, element))

/* A fragment of the guest removes it: it only counts among the others. */
bool device_is_removed(const Device *d);

/* What those two call: they return d, or NULL for NULL. */
void *device_as(const Device *d, size_t size);
void *device_as_head(const Device *d, const char *element);

/* An error, or a warning, at the device's place. */
#define device_error(g, d, ...)   finding((g)->findings, SEVERITY_ERROR, (d)->place, __VA_ARGS__)
#define device_warning(g, d, ...) finding((g)->findings, SEVERITY_WARNING, (d)->place, __VA_ARGS__)

/* Sets the id unless the XML chose one; from device.index, as in "net%u". */
void device_set_id(Guest *g, Device *d, const char *format, ...) _printf_(3, 4);

/* For kinds that share a prefix: the number after the highest so far. Ids that the XML chose do not count.
 */
void device_set_next_id(Guest *g, Device *d, const char *prefix);
