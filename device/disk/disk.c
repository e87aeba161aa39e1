/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <disk>: hard disks, CD-ROM and floppy drives, and whole SCSI units. Images are handled in
 * guest/image/; this file has the drive: its name, which says where it is plugged in, its bus, and how QEMU
 * serves it.
 */

#include "device/disk/disk.h"

#include "contract/options.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/controller.h"
#include "guest/place/device-props.h"
#include "guest/processor/iothread.h"

const char *const disk_device_words[] = { "disk", "cdrom", "floppy", "lun", NULL };
const char *const disk_bus_words[] = { "ide", "fdc", "scsi", "virtio", "usb", "sata", "nvme", NULL };
const char *const error_policy_words[] = { "stop", "report", "ignore", "enospace", NULL };
static const char *const model_words[] = {
        "virtio", "virtio-transitional", "virtio-non-transitional", "usb-storage", "usb-bot", NULL,
};
static const char *const driver_words[] = { "qemu", NULL };
static const char *const translation_words[] = { "none", "auto", "lba", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@type", Disk, type, source_type_words),
        FIELD_OF_WORDS("@device", Disk, kind, disk_device_words),
        FIELD_OF_WORDS("@model", Disk, model, model_words),
        FIELD("target@dev", FIELD_TEXT, Disk, target),
        FIELD_OF_WORDS("target@bus", Disk, xml_bus, disk_bus_words),
        FIELD("target@removable", FIELD_SWITCH, Disk, removable),
        FIELD("target@dpofua", FIELD_SWITCH, Disk, dpofua),
        FIELD_IN_RANGE("target@rotation_rate", Disk, rotation_rate, 1, 65534),
        FIELD_OF_WORDS("driver@type", Disk, format, source_format_words),
        FIELD_OF_WORDS("driver@cache", Disk, options.cache, cache_words),
        FIELD_OF_WORDS("driver@io", Disk, options.io, io_words),
        FIELD_OF_WORDS("driver@discard", Disk, options.discard, discard_words),
        FIELD_OF_WORDS("driver@detect_zeroes", Disk, options.detect_zeroes, detect_zeroes_words),
        FIELD("driver@discard_no_unref", FIELD_SWITCH, Disk, options.discard_no_unref),
        FIELD_OF_SIZE("driver/metadata_cache/max_size", Disk, options.metadata_cache, 1),
        FIELD_OF_WORDS("driver@error_policy", Disk, error_policy, error_policy_words),
        FIELD_OF_WORDS("driver@rerror_policy", Disk, read_error_policy, error_policy_words),
        FIELD("driver@ioeventfd", FIELD_SWITCH, Disk, ioeventfd),
        FIELD("driver@event_idx", FIELD_SWITCH, Disk, event_idx),
        FIELD("driver@copy_on_read", FIELD_SWITCH, Disk, copy_on_read),
        FIELD_IN_RANGE("driver@iothread", Disk, iothread, 1, UINT32_MAX),
        FIELD_IN_RANGE("driver@queues", Disk, queues, 1, UINT16_MAX),
        FIELD_IN_RANGE("driver@queue_size", Disk, queue_size, 1, UINT16_MAX),
        FIELD("driver/iothreads", FIELD_ELEMENT, Disk, iothreads),
        FIELD("readonly", FIELD_PRESENT, Disk, read_only),
        FIELD("shareable", FIELD_PRESENT, Disk, shareable),
        FIELD("serial", FIELD_TEXT, Disk, serial),
        FIELD("wwn", FIELD_TEXT, Disk, wwn),
        FIELD("vendor", FIELD_TEXT, Disk, vendor),
        FIELD("product", FIELD_TEXT, Disk, product),
        FIELD_IN_RANGE("geometry@cyls", Disk, geometry.cylinders, 1, UINT32_MAX),
        FIELD_IN_RANGE("geometry@heads", Disk, geometry.heads, 1, UINT32_MAX),
        FIELD_IN_RANGE("geometry@secs", Disk, geometry.sectors, 1, UINT32_MAX),
        FIELD_OF_WORDS("geometry@trans", Disk, geometry.translation, translation_words),
        FIELD_IN_RANGE("blockio@logical_block_size", Disk, logical_block, 0, UINT32_MAX),
        FIELD_IN_RANGE("blockio@physical_block_size", Disk, physical_block, 0, UINT32_MAX),
        FIELD_IN_RANGE("blockio@discard_granularity", Disk, discard_granularity, 0, UINT32_MAX),
        FIELD("source/reconnect@enabled", FIELD_YESNO, Disk, reconnect),
        FIELD_IN_RANGE("source/reconnect@timeout", Disk, reconnect_seconds, 0, UINT32_MAX / 1000),
        FIELD_SAID("@snapshot", FIELD_IGNORED, NULL), /* what libvirt's snapshots do with it by default */
        FIELD_SAID(
                "mirror", FIELD_IGNORED,
                NULL), /* a copy that was in progress while the guest ran under libvirt */
        FIELD_SAID("driver/statistics", FIELD_IGNORED, NULL),
        FIELD("transient", FIELD_PRESENT, Disk, transient),
        FIELD_SAID(
                "transient@shareBacking", FIELD_IGNORED,
                NULL), /* the backing file is only read, so it can always be shared */
        FIELD_SAID("backenddomain", FIELD_REFUSED, "exists only on Xen"),
        {},
};

/* 0 for nvme0n1, 1 for nvme0n2, NVME_NAMESPACES for nvme1n1; -1 if the name has another form. */
static int index_of_namespace(const char *name)
{
        unsigned controller, namespace;
        int length = 0;

        if (name[strspn(name, "nvme0123456789")] ||
            sscanf(name, "nvme%3un%3u%n", &controller, &namespace, &length) != 2 || name[length] ||
            controller > CONTROLLER_INDEX_MAX || namespace < 1 || namespace > NVME_NAMESPACES)
                return -1;
        return (int) (controller * NVME_NAMESPACES + namespace - 1);
}

/* 0 for sda, 25 for sdz, 26 for sdaa; -1 if the name has another form. */
static int index_of_name(const char *name)
{
        static const char *const prefixes[] = { "fd", "hd", "vd", "sd", "xvd", "ubd" };
        int index = 0;

        if (text_after(name, "nvme"))
                return index_of_namespace(name);
        for (size_t i = 0; i < ELEMENTS(prefixes); i++) {
                const char *rest = text_after(name, prefixes[i]);

                if (!rest)
                        continue;
                if (*rest < 'a' || *rest > 'z')
                        return -1;
                for (; *rest >= 'a' && *rest <= 'z' && index < 100000; rest++)
                        index = index * 26 + (*rest - 'a' + 1);
                return *rest == '\0' ? index - 1 : -1;
        }
        return -1;
}

/*
 * libvirt keeps the disks of a bus sorted by their names, and slots and boot order depend on it. A new one
 * goes before the first disk of its bus with a later name, else after the last of its bus, else to the end.
 */
static void sort_in(Guest *g, Device *d)
{
        const Disk *disk = device_disk(d);
        size_t at = 0;
        bool found = false;

        for (size_t i = g->n_devices - 1; i-- > 0;) {
                const Disk *other = g->devices[i]->kind == d->kind ? device_disk(g->devices[i]) : NULL;

                if (!other || other->xml_bus != disk->xml_bus)
                        continue;
                if (other->target_index > disk->target_index) {
                        at = i;
                        found = true;
                } else if (!found) {
                        at = i + 1;
                        found = true;
                }
        }
        if (!found)
                return;
        memmove(&g->devices[at + 1], &g->devices[at], (g->n_devices - 1 - at) * sizeof(*g->devices));
        g->devices[at] = d;
}

static void read_driver(Guest *g, Disk *disk)
{
        XmlElement *driver = xml_child(disk->device.xml, "driver");
        const char *name = driver ? xml_attribute(driver, "name") : NULL;

        if (name && !words_find(driver_words, name))
                guest_error(g, driver->place, "<driver>: name='%s' must be 'qemu'", name);
}

static void read_tray(Guest *g, Disk *disk)
{
        XmlElement *target = xml_child(disk->device.xml, "target");
        const char *tray = target ? xml_attribute(target, "tray") : NULL;

        if (!tray)
                return;
        if (!streq(tray, "open") && !streq(tray, "closed"))
                guest_error(g, target->place, "<target>: tray='%s' must be one of: open, closed", tray);
        else if (disk->kind != DISK_CDROM && disk->kind != DISK_FLOPPY)
                guest_error(g, target->place, "<target>: tray requires device='cdrom' or device='floppy'");
        else if (streq(tray, "open"))
                guest_warning(
                        g, target->place,
                        "<target>: ignoring tray='open': the drive starts with its tray closed");
}

/* libvirt's settings for SCSI commands that the kernel reserves. Most units that are passed through work
 * without them. */
static void read_commands(Guest *g, Disk *disk)
{
        static const char *const filters[] = { "filtered", NULL }, *const raw[] = { "yes", "no", NULL };
        XmlElement *e = disk->device.xml;
        const char *rawio = xml_attribute(e, "rawio"), *sgio = xml_attribute(e, "sgio");

        if ((rawio || sgio) && disk->kind != DISK_LUN)
                guest_error(g, e->place, "<disk>: rawio and sgio require device='lun'");
        else if ((rawio && !words_find(raw, rawio)) || (sgio && !words_find(filters, sgio)))
                guest_error(g, e->place, "<disk>: rawio must be one of: yes, no; sgio must be 'filtered'");
        else if (rawio && streq(rawio, "yes"))
                guest_warning(
                        g, e->place,
                        "<disk>: ignoring rawio='yes': QEMU runs without CAP_SYS_RAWIO, so a few SCSI "
                        "commands will fail");
}

static void disk_read(Guest *g, Device *d)
{
        Disk *disk = DEVICE_AS(Disk, d);

        disk->type = disk->type ?: SOURCE_FILE;
        disk->kind = disk->kind ?: DISK_DISK;
        read_driver(g, disk);
        read_tray(g, disk);
        read_commands(g, disk);
        source_read(
                g, d->xml, disk->type,
                disk->format
                        ?: disk->type == SOURCE_DIRECTORY ? FORMAT_FAT
                                                          : FORMAT_RAW,
                &disk->source);
        throttle_read(g, disk);
        if (!disk->target) {
                device_error(g, d, "<disk>: <target dev='…'/> is missing");
                return;
        }
        disk->target_index = index_of_name(disk->target);
        if (disk->target_index < 0)
                device_error(
                        g, d,
                        "<target>: dev='%s' is not a valid disk name such as vda, sda, hda, fda or nvme0n1",
                        disk->target);
        sort_in(g, d);
}

/* How many images the disk's XML names; for one that is not read any more. */
static unsigned count_images(const XmlElement *e)
{
        unsigned n = 0;

        for (const XmlElement *c = e->first; c; c = c->next) {
                if (streq(c->name, "source") && (xml_peek(c, "@file") || xml_peek(c, "@dev") ||
                                                 xml_peek(c, "@name") || xml_peek(c, "@protocol")))
                        n++;
                if (streq(c->name, "source") || streq(c->name, "backingStore") ||
                    streq(c->name, "dataStore"))
                        n += count_images(c);
        }
        return n;
}

/* QEMU's limit is 31 characters for a whole name. */
static const char *node_prefix(Guest *g, const char *fragment)
{
        return strlen(fragment) <= 12 ? guest_text(g, "f-%s", fragment)
                                      : guest_text(
                                                g, "f-%.3s%09llx", fragment,
                                                (unsigned long long) text_hash(fragment, strlen(fragment)) &
                                                        0xfffffffffULL);
}

/* The numbers of other disks' images do not depend on it. */
static void name_images_of_fragment(Guest *g, Disk *disk)
{
        const XmlElement *e = disk->device.xml;
        const char *prefix = node_prefix(g, e->fragment);
        unsigned first = g->n_images, n = e->instead_of ? count_images(e->instead_of) : 0;
        unsigned n_filters = n > 0 ? throttle_count(e->instead_of) : 0;

        if (source_count(&disk->source) <= n)
                source_name(g, &disk->source);
        else
                source_name_for(g, &disk->source, prefix, 0);
        g->n_images = first + n;
        if (!disk->source.empty)
                throttle_name(g, disk);
        if (disk->n_filters > n_filters)
                disk->filter_prefix = prefix;
        g->n_images = first + n + n_filters;
}

/* Numbered from the last disk to the first, as libvirt does. */
static void name_images(Guest *g)
{
        for (size_t i = g->n_devices; i-- > 0;) {
                Disk *disk;

                if (g->devices[i]->kind != &kind_disk)
                        continue;
                disk = DEVICE_AS(Disk, g->devices[i]);
                if (disk_is_vhost_user(disk))
                        continue;
                if (disk->device.xml && disk->device.xml->fragment) {
                        name_images_of_fragment(g, disk);
                        continue;
                }
                source_name(g, &disk->source);
                if (!disk->source.empty)
                        throttle_name(g, disk);
        }
}

static void disks_imply(Guest *g)
{
        throttle_groups_read(g);
        name_images(g);
}

static int bus_of_name(const Disk *disk)
{
        if (disk->kind == DISK_FLOPPY)
                return DISK_FDC;
        if (text_after(disk->target, "sd"))
                return DISK_SCSI;
        if (text_after(disk->target, "vd"))
                return DISK_VIRTIO;
        if (text_after(disk->target, "nvme"))
                return DISK_NVME;
        return DISK_IDE;
}

static void complete_bus(Guest *g, Disk *disk)
{
        static const DriveBus drive_buses[] = {
                [DISK_IDE] = DRIVE_IDE,   [DISK_FDC] = DRIVE_FDC,     [DISK_SCSI] = DRIVE_SCSI,
                [DISK_SATA] = DRIVE_SATA, [DISK_VIRTIO] = DRIVE_NONE, [DISK_USB] = DRIVE_NONE,
                [DISK_NVME] = DRIVE_NVME,
        };
        Device *d = &disk->device;

        if (disk->bus == DISK_VIRTIO) {
                device_virtio_complete(g, d, disk->model);
                device_set_id(g, d, "virtio-disk%d", disk->target_index);
        } else if (disk->bus == DISK_USB) {
                d->bus = BUS_USB;
                device_set_id(g, d, "usb-disk%d", disk->target_index);
        } else {
                d->bus = BUS_DRIVE;
                d->drive_bus = drive_buses[disk->bus];
                d->drive_index = (Number){ (uint64_t) disk->target_index, true };
        }
}

static void complete_wwn(Disk *disk)
{
        const char *digits = text_after(disk->wwn, "0x") ?: disk->wwn;

        if (strlen(digits) == 16 && digits[strspn(digits, "0123456789abcdefABCDEF")] == '\0')
                disk->wwn_number = (Number){ strtoull(digits, NULL, 16), true };
}

static void complete_options(Disk *disk)
{
        static const BootClass boot_classes[] = {
                [DISK_DISK] = BOOT_CLASS_DISK,
                [DISK_CDROM] = BOOT_CLASS_CDROM,
                [DISK_FLOPPY] = BOOT_CLASS_FLOPPY,
                [DISK_LUN] = BOOT_CLASS_DISK,
        };

        disk->device.boot_class = boot_classes[disk->kind];
        if (disk->kind == DISK_CDROM)
                disk->read_only = true;
        if (disk->bus == DISK_USB && !disk->model)
                disk->model = DISK_USB_STORAGE;
        if (disk->model == DISK_USB_STORAGE && disk->removable == UNSET)
                disk->removable = OFF;
        disk->source.read_only = disk->read_only || disk->transient;
        disk->source.shared = disk->shareable;
        disk->options.floppy = disk->kind == DISK_FLOPPY;
        disk->options.cdrom = disk->kind == DISK_CDROM;
        /* libvirt's default: this host must not cache a disk that others also write */
        if (disk->shareable && !disk->read_only && disk->options.cache <= CACHE_DEFAULT)
                disk->options.cache = CACHE_NONE;
}

static void complete_drive(Guest *g, Disk *disk)
{
        disk->drive = disk->source.node;
        if (disk->copy_on_read == ON)
                disk->drive = disk->cor_node = guest_text(g, "libvirt-CoR-%s", disk->target);
        if (disk->n_filters > 0)
                disk->drive = guest_text(
                        g, "%s", throttle_node(disk, disk->first_filter + disk->n_filters - 1).text);
        if (disk->transient)
                disk->drive = disk->overlay = guest_text(g, "transient-%s", disk->target);
}

static void disk_complete(Guest *g, Device *d)
{
        Disk *disk = DEVICE_AS(Disk, d);

        disk->bus = disk->xml_bus ?: bus_of_name(disk);
        complete_options(disk);
        if (disk->wwn)
                complete_wwn(disk);
        complete_bus(g, disk);
        source_complete(g, &disk->source, &disk->options);
        if (!disk->source.empty && !disk_is_vhost_user(disk))
                complete_drive(g, disk);
}

static void build_copy_on_read(const Disk *disk, Plan *p)
{
        Props filter = props_new("driver", "copy-on-read");

        props_text(&filter, "node-name", disk->cor_node);
        props_text(&filter, "file", disk->source.node);
        props_text(&filter, "discard", "unmap");
        plan_json(p, "-blockdev", &filter);
}

/* QEMU creates the overlay in /var/tmp and unlinks it at once. Only -drive can do that, not -blockdev. */
static void build_overlay(const Disk *disk, Plan *p)
{
        _cleanup_(freep) char *image = NULL;
        Props raw = props_new("driver", "raw"), drive = props_new("if", "none");

        props_text(&raw, "file", disk->source.node);
        image = props_json(&raw);
        props_done(&raw);
        props_text(&drive, "id", disk->overlay);
        props_bool(&drive, "snapshot", true);
        props_textf(&drive, "file", "json:%s", image ?: "");
        plan_list_named(p, "-drive", &drive);
        plan_scratch(p);
}

/* QEMU has its own driver for NVMe controllers and gets them from the host like any other PCI device. */
static void plan_nvme(const Source *s, Plan *p)
{
        for (; s; s = s->backing)
                if (s->type == SOURCE_NVME) {
                        const HostPci host = disk_nvme_host(s);

                        host_pci_plan(&host, NULL, p);
                }
}

/* For messages, which name the disk as the XML does and not by QEMU's node. */
static void plan_name(const Disk *disk, Plan *p)
{
        plan_disk_name(p, disk->drive, disk->target, disk->source.path);
}

static void disk_build(const Guest *g, const Device *d, Plan *p)
{
        const Disk *disk = device_disk(d);
        size_t i = 0;

        if (disk->kind == DISK_LUN)
                plan_use(p, POLICY_RAW_IO);

        if (guest_next_device(g, d->kind, &i) == d)
                throttle_groups_build(g, p);
        if (!disk->source.empty && !disk_is_vhost_user(disk)) {
                source_build(g, &disk->source, p);
                plan_nvme(&disk->source, p);
                if (disk->cor_node)
                        build_copy_on_read(disk, p);
                throttle_build(g, disk, disk->cor_node ?: disk->source.node, p);
                if (disk->overlay)
                        build_overlay(disk, p);
                plan_name(disk, p);
        }
        disk_frontend_build(g, disk, p);
}

const DeviceKind kind_disk = {
        .element = "disk",
        .size = sizeof(Disk),
        .fields = fields,
        .has_virtio_options = true,
        .has_boot = true,
        .has_acpi_index = true,
        .read = disk_read,
        .imply = disks_imply,
        .complete = disk_complete,
        .check = disk_check,
        .build = disk_build,
};
