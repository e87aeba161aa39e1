/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The host devices that the arguments of `vm-launcher prepare` ask for: --usb=, --pci=, --mdev=, --scsi=.
 * Open this to change what such an argument may say; host-*.c does what it asks for.
 */

#include <stdbool.h>

#include "contract/words.h"
#include "net/netlink-vf.h"
#include "util/text.h"

typedef struct UsbRequest {
        const char *id;           /* names its descriptor */
        unsigned vendor, product; /* vendor 0: any */
        unsigned bus, device;     /* 0: any */
        const char *port;         /* "1.2", on the bus; NULL: any */
} UsbRequest;

typedef struct PciRequest {
        const char *address; /* "0000:01:00.0" */
        const char *driver;  /* "vfio-pci" or a variant of it */
        bool managed;        /* bind it to that driver, and to the previous one after the guest */
        VfSettings vf;       /* what to set if it is a virtual function of a network card */
} PciRequest;

typedef struct MdevRequest {
        char uuid[37];
} MdevRequest;

typedef struct ScsiRequest {
        const char *id; /* names its descriptor */
        unsigned host, bus, target, unit;
        Access access;
} ScsiRequest;

typedef struct DeviceRequests {
        UsbRequest *usb;
        size_t n_usb;
        PciRequest *pci;
        size_t n_pci;
        MdevRequest *mdev;
        size_t n_mdev;
        ScsiRequest *scsi;
        size_t n_scsi;
        Strings owned; /* the texts that the lists point into */
} DeviceRequests;

/* The driver of a PCI device whose request names none. */
#define PCI_DRIVER_DEFAULT "vfio-pci"

/* The value of each option, to be freed. NULL if memory runs out. */
char *usb_request_write(const UsbRequest *q);
char *pci_request_write(const PciRequest *q);
char *mdev_request_write(const MdevRequest *q);
char *scsi_request_write(const ScsiRequest *q);

/* Readers for a table of arguments (arguments.h); the target is the whole DeviceRequests. */
int device_request_usb(const char *text, void *target);
int device_request_pci(const char *text, void *target);
int device_request_mdev(const char *text, void *target);
int device_request_scsi(const char *text, void *target);

/* Whether a virtual function's MAC address or VLAN has to be set, which requires CAP_NET_ADMIN. */
bool device_requests_want_vf(const DeviceRequests *requests);

void device_requests_done(DeviceRequests *requests);
