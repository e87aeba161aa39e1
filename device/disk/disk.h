/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <disk>: what the files of this folder share. */

#include "device/hostdev/hostdev.h"
#include "guest/device.h"
#include "guest/image/source.h"

typedef enum DiskDevice {
        DISK_DISK = 1,
        DISK_CDROM,
        DISK_FLOPPY,
        DISK_LUN, /* a SCSI unit: the guest's commands are passed to the device */
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
        DISK_USB_BOT, /* the same for the guest, but a CD-ROM drive appears as one */
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

/* Limits of <iotune>; throttle.c has them in a table. */
#define THROTTLE_LIMITS 19

typedef struct DiskThrottle {
        XmlElement *xml;
        Number limits[THROTTLE_LIMITS];
        const char *group;
} DiskThrottle;

typedef struct Disk {
        Device device;
        int type, kind, model; /* SourceType, DiskDevice, DiskModel */
        bool transient;        /* what the guest writes is lost when it stops */
        const char *target;
        int target_index; /* 0 for sda, 1 for sdb …; of NVMe by namespaces */
        int xml_bus, bus; /* DiskBus; xml_bus is 0 if the XML does not say */
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

        /* the nodes above the image, from the lowest; NULL for none */
        const char *cor_node;      /* copy-on-read */
        unsigned n_filters;        /* of throttling */
        unsigned first_filter;     /* the number of the first of their nodes */
        const char *filter_prefix; /* of their names, for a disk of a fragment; NULL for "libvirt" */
        const char *overlay;       /* a drive, not a node: receives a transient disk's changes */
        const char *drive;         /* what the guest's drive is connected to; NULL for none */
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

/* throttle.c */
void throttle_groups_read(Guest *g);
void throttle_groups_build(const Guest *g, Plan *p);
void throttle_read(Guest *g, Disk *disk);
void throttle_check(const Guest *g, const Disk *disk);
void throttle_name(Guest *g, Disk *disk);        /* sets n_filters and first_filter */
unsigned throttle_count(const XmlElement *disk); /* of the filters of a disk that is not read any more */
typedef struct ThrottleNode {
        char text[64];
} ThrottleNode;
ThrottleNode throttle_node(const Disk *disk, unsigned number); /* a filter's node name */
void throttle_build(const Guest *g, const Disk *disk, const char *below, Plan *p);

/* check.c */
void disk_check(const Guest *g, const Device *d);

/* frontend.c */
void disk_frontend_build(const Guest *g, const Disk *disk, Plan *p);
