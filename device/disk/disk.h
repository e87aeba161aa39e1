/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <disk>: what the files of disk-*.c share. */

#include "device/hostdev/hostdev.h"
#include "guest/device.h"
#include "guest/image/source.h"

typedef enum DiskDevice {
        DISK_DISK = 1,
        DISK_CDROM,
        DISK_FLOPPY,
        DISK_LUN, /* a SCSI unit whose commands go through to the device */
} DiskDevice;

typedef enum DiskBus {
        DISK_IDE = 1,
        DISK_FDC,
        DISK_SCSI,
        DISK_VIRTIO,
        DISK_USB,
        DISK_SATA,
        DISK_NVME,
} DiskBus;

/* The first three are VirtioModel. */
typedef enum DiskModel {
        DISK_USB_STORAGE = VIRTIO_MODEL_NON_TRANSITIONAL + 1,
        DISK_USB_BOT, /* the same to the guest's USB, but shows a CD-ROM drive as one */
} DiskModel;

typedef enum ErrorPolicy {
        ERROR_STOP = 1,
        ERROR_REPORT,
        ERROR_IGNORE,
        ERROR_ENOSPACE,
} ErrorPolicy;

typedef struct DiskGeometry {
        Number cylinders, heads, sectors;
        int translation;
} DiskGeometry;

/* Limits of <iotune>; see disk-throttle.c, which has them in a table. */
#define THROTTLE_LIMITS 19

typedef struct DiskThrottle {
        XmlElement *xml;
        Number limits[THROTTLE_LIMITS];
        const char *group;
} DiskThrottle;

typedef struct Disk {
        Device device;
        int type, kind, model; /* SourceType, DiskDevice, DiskModel */
        bool transient;        /* what the guest writes is gone when it stops */
        const char *target;
        int target_index; /* 0 for sda, 1 for sdb …; of NVMe by namespaces */
        int xml_bus, bus; /* as the XML says, 0 where it does not; DiskBus */
        int format;       /* SourceFormat, or 0 */
        Source source;
        SourceOptions options;

        int error_policy, read_error_policy;
        Tristate ioeventfd, event_idx, copy_on_read;
        Number iothread, queues, queue_size;
        XmlElement *iothreads; /* which queue by which thread */
        bool read_only, shareable;
        const char *serial, *wwn, *vendor, *product;
        Number wwn_number;
        Tristate removable, dpofua;
        Number rotation_rate;
        DiskGeometry geometry;
        Number logical_block, physical_block, discard_granularity;
        DiskThrottle throttle;
        XmlElement *filters; /* <throttlefilters> */
        Tristate reconnect;  /* to a vhost-user server */
        Number reconnect_seconds;

        /* from the image upwards; NULL where there is none of the kind */
        const char *cor_node;  /* copy-on-read */
        unsigned n_filters;    /* of throttling */
        unsigned first_filter; /* the number of the first of their nodes */
        const char *overlay;   /* a drive of its own, not a node: where a transient disk's changes go */
        const char *drive;     /* what the guest's drive is connected to; NULL for none */
} Disk;

extern const char *const disk_device_words[], *const disk_bus_words[], *const error_policy_words[];

static inline const Disk *device_disk(const Device *d)
{
        return DEVICE_AS(Disk, d);
}

static inline bool disk_is_vhost_user(const Disk *disk)
{
        return disk->type == SOURCE_VHOST_USER;
}

/* The NVMe controller that an image is on, as a device of the host. */
static inline HostPci disk_nvme_host(const Source *s)
{
        return (HostPci){
                .domain = s->nvme.domain,
                .bus = s->nvme.bus,
                .slot = s->nvme.slot,
                .function = s->nvme.function,
                .managed = s->nvme.managed ?: ON,
        };
}

/* disk-throttle.c */
void throttle_groups_read(Guest *g);
void throttle_groups_build(const Guest *g, Plan *p);
void throttle_read(Guest *g, Disk *disk);
void throttle_check(const Guest *g, const Disk *disk);
void throttle_name(Guest *g, Disk *disk); /* n_filters and first_filter */
void throttle_build(const Guest *g, const Disk *disk, const char *below, Plan *p);

/* disk-check.c */
void disk_check(const Guest *g, const Device *d);

/* disk-frontend.c */
void disk_frontend_build(const Guest *g, const Disk *disk, Plan *p);
