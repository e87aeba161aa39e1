/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The drive that the guest sees, as QEMU's -device. Source: QEMU's hw/block, hw/ide, hw/scsi, hw/usb
 * ("-device X,help"). */

#include "device/char/chardev.h"
#include "device/disk/disk.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/processor/iothread.h"

static const char *driver_of(const Disk *disk)
{
        bool cdrom = disk->kind == DISK_CDROM;

        switch ((DiskBus) disk->bus) {
        case DISK_IDE:
        case DISK_SATA:
                return cdrom ? "ide-cd" : "ide-hd";
        case DISK_FDC:
                return "floppy";
        case DISK_SCSI:
                return disk->kind == DISK_LUN ? "scsi-block" : cdrom ? "scsi-cd" : "scsi-hd";
        case DISK_VIRTIO:
                return disk_is_vhost_user(disk) ? "vhost-user-blk" : "virtio-blk";
        case DISK_NVME:
                return "nvme-ns";
        case DISK_USB:
                return disk->model == DISK_USB_STORAGE ? "usb-storage" : cdrom ? "scsi-cd" : "scsi-hd";
        }
        return "";
}

static void props_virtio(const Disk *disk, Props *p)
{
        props_number_if(p, "num-queues", disk->queues);
        props_number_if(p, "queue-size", disk->queue_size);
        props_bool_if(p, "ioeventfd", disk->ioeventfd);
        props_bool_if(p, "event_idx", disk->event_idx);
        if (disk->iothread.set)
                props_textf(p, "iothread", "iothread%llu", (unsigned long long) disk->iothread.value);
        iothread_mapping_props(disk->iothreads, p);
}

static void props_geometry(const Disk *disk, Props *p)
{
        static const char *const translations[] = { "none", "auto", "lba" };
        const DiskGeometry *geometry = &disk->geometry;

        props_number_if(p, "cyls", geometry->cylinders);
        props_number_if(p, "heads", geometry->heads);
        props_number_if(p, "secs", geometry->sectors);
        if (geometry->translation)
                props_text(p, "bios-chs-trans", translations[geometry->translation - 1]);
}

/* libvirt writes a backslash before each blank, and guests identify their disks by the result. */
static void props_serial(Props *p, const char *serial)
{
        char *escaped = malloc(strlen(serial) * 2 + 1), *to = escaped;

        if (!escaped) {
                p->failed = true;
                return;
        }
        for (; *serial; serial++) {
                if (*serial == ' ')
                        *to++ = '\\';
                *to++ = *serial;
        }
        *to = '\0';
        props_text(p, "serial", escaped);
        free(escaped);
}

/* What identifies the drive to the guest. */
static void props_identity(const Disk *disk, Props *p)
{
        bool ata = disk->bus == DISK_IDE || disk->bus == DISK_SATA;

        /* otherwise a SCSI unit's identity would contain QEMU's name for the drive, which may change */
        if (disk->bus == DISK_SCSI && disk->kind != DISK_LUN) {
                if (disk->serial)
                        props_text(p, "device_id", disk->serial);
                else
                        props_textf(p, "device_id", "drive-%s", disk->device.id);
        }
        if (disk->wwn_number.set)
                props_json_value(p, "wwn", json_integer((json_int_t) disk->wwn_number.value));
        props_number_if(p, "rotation_rate", disk->rotation_rate);
        props_text(p, "vendor", disk->vendor);
        props_text(p, ata ? "model" : "product", disk->product);
        /* with NVMe, it belongs to the controller */
        if (disk->serial && disk->bus != DISK_NVME)
                props_serial(p, disk->serial);
}

static void props_errors(const Disk *disk, Props *p)
{
        static const char *const actions[] = {
                [ERROR_STOP] = "stop",
                [ERROR_REPORT] = "report",
                [ERROR_IGNORE] = "ignore",
                [ERROR_ENOSPACE] = "enospc",
        };
        int read = disk->read_error_policy;

        /* a read cannot fail for lack of space */
        if (!read && disk->error_policy != ERROR_ENOSPACE)
                read = disk->error_policy;
        if (disk->error_policy)
                props_text(p, "werror", actions[disk->error_policy]);
        if (read)
                props_text(p, "rerror", actions[read]);
}

static void props_cache(const Disk *disk, Props *p)
{
        bool write_through =
                disk->options.cache == CACHE_WRITETHROUGH || disk->options.cache == CACHE_DIRECTSYNC;

        if (disk->options.cache > CACHE_DEFAULT && disk->kind != DISK_LUN && !disk_is_vhost_user(disk))
                props_text(p, "write-cache", write_through ? "off" : "on");
}

/* The server of the disk listens on the socket; QEMU only shares the guest's memory with it. */
static void build_vhost_user(const Guest *g, const Disk *disk, Plan *p)
{
        const Chardev chardev = {
                .type = CHARDEV_UNIX,
                .mode = CHARDEV_CONNECT,
                .path = disk->source.path,
                .reconnect = disk->reconnect,
                .reconnect_seconds = disk->reconnect_seconds,
        };

        chardev_build(g, p, &chardev, disk->device.id);
}

/* A USB device that is a SCSI controller of its own, with the drive on it. */
static Props usb_bot_new(const Guest *g, const Disk *disk, Plan *p)
{
        const Device *d = &disk->device;
        Device controller = *d;
        Props bot = props_new("driver", "usb-bot"), device = props_new("driver", driver_of(disk));

        controller.boot_index = (Number){ 0 };
        device_props(g, &controller, &bot);
        props_text(&bot, "serial", disk->serial);
        plan_json(p, "-device", &bot);
        props_textf(&device, "bus", "%s.0", d->id);
        props_number(&device, "scsi-id", 0);
        props_number(&device, "lun", 0);
        props_textf(&device, "id", "%s-device", d->id);
        props_number_if(&device, "bootindex", d->boot_index);
        return device;
}

static Props device_new(const Guest *g, const Disk *disk, Plan *p)
{
        Props device;

        if (disk->bus == DISK_USB && disk->model == DISK_USB_BOT)
                return usb_bot_new(g, disk, p);
        if (disk->bus == DISK_VIRTIO) {
                device = device_virtio_new(&disk->device, driver_of(disk), disk->model);
                props_virtio(disk, &device);
        } else {
                device = props_new("driver", driver_of(disk));
        }
        device_props(g, &disk->device, &device);
        return device;
}

void disk_frontend_build(const Guest *g, const Disk *disk, Plan *p)
{
        Props device;

        if (disk_is_vhost_user(disk))
                build_vhost_user(g, disk, p);
        device = device_new(g, disk, p);
        if (disk_is_vhost_user(disk))
                props_textf(&device, "chardev", "char%s", disk->device.id);
        else
                props_text(&device, "drive", disk->drive);
        if (disk->shareable)
                props_bool(&device, "share-rw", true);
        props_number_if(&device, "logical_block_size", disk->logical_block);
        props_number_if(&device, "physical_block_size", disk->physical_block);
        props_number_if(&device, "discard_granularity", disk->discard_granularity);
        props_bool_if(&device, "removable", disk->removable);
        props_bool_if(&device, "dpofua", disk->dpofua);
        props_geometry(disk, &device);
        props_identity(disk, &device);
        props_errors(disk, &device);
        props_cache(disk, &device);
        plan_json(p, "-device", &device);
}
