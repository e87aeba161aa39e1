/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Combinations that a disk cannot have. QEMU would refuse them too, but only when the guest starts and
 * without the place in the XML. check_bus() has what depends on the bus alone, the other functions the rest.
 */

#include "device/disk/disk.h"
#include "guest/guest.h"
#include "guest/place/controller.h"
#include "guest/place/device-props.h"
#include "guest/processor/iothread.h"
#include "guest/processor/memory.h"

#define ON_BUS(bus) (1u << (bus))
#define VIRTIO      ON_BUS(DISK_VIRTIO)
#define SCSI        ON_BUS(DISK_SCSI)
#define ATA         (ON_BUS(DISK_IDE) | ON_BUS(DISK_SATA))
#define USB         ON_BUS(DISK_USB)
#define NVME        ON_BUS(DISK_NVME)

static void refuse(const Guest *g, const Disk *disk, bool there, const char *what, unsigned allowed)
{
        if (there && !(ON_BUS(disk->bus) & allowed))
                device_error(
                        g, &disk->device, "<disk>: %s cannot be combined with bus='%s'", what,
                        disk_bus_words[disk->bus - 1]);
}

static void check_bus(const Guest *g, const Disk *disk)
{
        const DiskGeometry *geometry = &disk->geometry;

        refuse(g, disk, disk->model && disk->model <= (int) VIRTIO_MODEL_NON_TRANSITIONAL, "a virtio model",
               VIRTIO);
        refuse(g, disk, disk->model > (int) VIRTIO_MODEL_NON_TRANSITIONAL, "a USB model", USB);
        refuse(g, disk, disk->queues.set, "<driver queues='…'>", VIRTIO);
        refuse(g, disk, disk->queue_size.set, "<driver queue_size='…'>", VIRTIO);
        refuse(g, disk, disk->ioeventfd != UNSET, "<driver ioeventfd='…'>", VIRTIO);
        refuse(g, disk, disk->event_idx != UNSET, "<driver event_idx='…'>", VIRTIO);
        refuse(g, disk, disk->iothread.set || disk->iothreads, "an iothread", VIRTIO);
        refuse(g, disk, disk->device.acpi_index.set, "<acpi index='…'/>", VIRTIO);
        refuse(g, disk, disk->removable != UNSET, "<target removable='…'>", USB | SCSI);
        refuse(g, disk, disk->dpofua != UNSET, "<target dpofua='…'>", SCSI);
        refuse(g, disk, disk->rotation_rate.set, "<target rotation_rate='…'>", SCSI | ATA);
        refuse(g, disk, disk->wwn != NULL, "<wwn>", SCSI | ATA);
        refuse(g, disk, disk->vendor != NULL, "<vendor>", SCSI);
        refuse(g, disk, disk->product != NULL, "<product>", SCSI | ATA);
        if (disk->kind != DISK_DISK &&
            (disk->rotation_rate.set || (disk->removable != UNSET && disk->bus == DISK_SCSI)))
                device_error(
                        g, &disk->device, "<target>: rotation_rate and removable require device='disk'");
        refuse(g, disk, geometry->cylinders.set || geometry->heads.set || geometry->sectors.set,
               "<geometry>", VIRTIO | SCSI | ATA);
        refuse(g, disk, geometry->translation != 0, "<geometry trans='…'>", ATA);
        refuse(g, disk, disk->error_policy || disk->read_error_policy, "an error policy",
               VIRTIO | SCSI | ATA | USB);
        refuse(g, disk, disk->serial != NULL, "<serial>", VIRTIO | SCSI | ATA | USB | NVME);
        if (disk->bus != DISK_VIRTIO)
                device_no_virtio_options(g, &disk->device);
}

static void check_kind(const Guest *g, const Disk *disk)
{
        const Device *d = &disk->device;
        bool removable = disk->kind == DISK_CDROM || disk->kind == DISK_FLOPPY;
        const char *why = disk->read_only          ? "<readonly>"
                          : removable              ? "removable media"
                          : disk->kind == DISK_LUN ? "device='lun'"
                                                   : NULL;

        if ((disk->kind == DISK_FLOPPY) != (disk->bus == DISK_FDC))
                device_error(
                        g, d, "<disk>: device='%s' cannot be combined with bus='%s'",
                        disk_device_words[disk->kind - 1], disk_bus_words[disk->bus - 1]);
        if (disk->kind == DISK_CDROM && (disk->bus == DISK_VIRTIO || disk->bus == DISK_NVME))
                device_error(
                        g, d, "<disk>: device='cdrom' cannot be combined with bus='%s'",
                        disk_bus_words[disk->bus - 1]);
        if ((disk->bus == DISK_NVME) != (text_after(disk->target, "nvme") != NULL))
                device_error(
                        g, d, "<target>: dev='%s' is not a name for a disk on bus='%s'", disk->target,
                        disk_bus_words[disk->bus - 1]);
        if (disk->kind != DISK_CDROM &&
            (disk->kind == DISK_FLOPPY) != (text_after(disk->target, "fd") != NULL))
                device_error(
                        g, d, "<target>: dev='%s' is not a valid name for a %s", disk->target,
                        disk->kind == DISK_FLOPPY ? "floppy drive" : "disk");
        if (disk->source.empty && !removable)
                device_error(g, d, "<disk>: <source> is missing; only cdrom and floppy drives can be empty");
        if (disk->read_only && disk->kind == DISK_DISK && (disk->bus == DISK_IDE || disk->bus == DISK_SATA))
                device_error(g, d, "<readonly>: an IDE or SATA disk cannot be read-only");
        if (disk->copy_on_read == ON && why)
                device_error(g, d, "<driver>: copy_on_read='on' cannot be combined with %s", why);
        if (disk->options.io == SOURCE_IO_NATIVE && disk->options.cache != CACHE_NONE &&
            disk->options.cache != CACHE_DIRECTSYNC)
                device_error(g, d, "<driver>: io='native' requires cache='none' or cache='directsync'");
        if (disk->read_error_policy == ERROR_ENOSPACE)
                device_error(
                        g, d,
                        "<driver>: rerror_policy must be one of: stop, report, ignore; 'enospace' applies "
                        "only to writing");
        if (disk->shareable && !disk->read_only && disk->source.format != FORMAT_RAW)
                device_error(
                        g, d,
                        "<shareable>: requires <driver type='raw'/>; other image formats cannot have "
                        "several writers");
        if (disk->shareable && disk->options.cache > CACHE_NONE)
                device_warning(
                        g, d,
                        "<shareable>: other writers do not see what is cached for this guest; use "
                        "cache='none'");
}

static void check_lun(const Guest *g, const Disk *disk)
{
        const Device *d = &disk->device;

        if (disk->kind != DISK_LUN) {
                if (disk->source.reservations)
                        device_error(g, d, "<reservations>: requires device='lun'");
                return;
        }
        if (disk->bus != DISK_SCSI)
                device_error(g, d, "<disk>: device='lun' requires bus='scsi'");
        if (disk->type != SOURCE_BLOCK && disk->source.network.protocol != PROTOCOL_ISCSI)
                device_error(
                        g, d, "<disk>: device='lun' requires a block device or an iSCSI unit as <source>");
        if (disk->source.format != FORMAT_RAW)
                device_error(g, d, "<driver>: device='lun' requires type='raw'");
        if (disk->wwn || disk->vendor || disk->product || disk->serial || disk->geometry.cylinders.set ||
            disk->dpofua)
                device_error(
                        g, d,
                        "<disk>: device='lun' takes its serial number, names and geometry from the real "
                        "unit; remove them");
        if (disk->logical_block.set || disk->physical_block.set || disk->discard_granularity.set)
                device_error(
                        g, d,
                        "<blockio>: device='lun' takes its block sizes from the real unit; remove "
                        "<blockio>");
        if (disk->source.slice.present || disk->source.encryption.xml)
                device_error(g, d, "<disk>: device='lun' cannot be combined with <slice> or <encryption>");
}

static void check_transient(const Guest *g, const Disk *disk)
{
        const Device *d = &disk->device;

        if (!disk->transient)
                return;
        if (disk->source.empty || disk->read_only || disk->type != SOURCE_FILE || disk->kind != DISK_DISK)
                device_error(g, d, "<transient>: requires a writable disk with type='file'");
        if (disk->n_filters > 0 || disk->cor_node || disk->shareable)
                device_error(
                        g, d, "<transient>: cannot be combined with limits, copy_on_read or <shareable>");
}

#define SERIAL_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. +"

static bool is_of(const char *s, const char *characters)
{
        return s[strspn(s, characters)] == '\0';
}

static bool is_printable(const char *s)
{
        for (; *s; s++)
                if (*s < ' ' || *s > '~')
                        return false;
        return true;
}

static void check_identity(const Guest *g, const Disk *disk)
{
        const Device *d = &disk->device;
        unsigned product_max = disk->bus == DISK_SCSI ? 16 : 40;

        if (disk->wwn && !disk->wwn_number.set)
                device_error(g, d, "<wwn>: '%s' must be 16 hexadecimal digits", disk->wwn);
        if (disk->serial && !is_of(disk->serial, SERIAL_CHARACTERS))
                device_error(
                        g, d,
                        "<serial>: '%s' may contain only letters, digits, blanks, \"-\", \"_\", \".\" and "
                        "\"+\"",
                        disk->serial);
        if (disk->vendor && (strlen(disk->vendor) > 8 || !is_printable(disk->vendor)))
                device_error(g, d, "<vendor>: '%s' must be at most 8 printable characters", disk->vendor);
        if (disk->product && (strlen(disk->product) > product_max || !is_printable(disk->product)))
                device_error(
                        g, d, "<product>: '%s' must be at most %u printable characters", disk->product,
                        product_max);
}

static void check_numbers(const Guest *g, const Disk *disk)
{
        const Device *d = &disk->device;
        const DiskGeometry *geometry = &disk->geometry;

        if (geometry->cylinders.set != geometry->heads.set || geometry->heads.set != geometry->sectors.set)
                device_error(g, d, "<geometry>: cyls, heads and secs require each other");
        if (disk->queue_size.set && (disk->queue_size.value & (disk->queue_size.value - 1)) != 0)
                device_error(
                        g, d, "<driver>: queue_size='%llu' must be a power of two",
                        (unsigned long long) disk->queue_size.value);
        for (const Number *n = &disk->logical_block; n <= &disk->physical_block; n++)
                if (n->value > 0 &&
                    (n->value < 512 || n->value > 2 * MIB || (n->value & (n->value - 1)) != 0))
                        device_error(
                                g, d, "<blockio>: block sizes must be powers of two from 512 to 2097152");
        if (disk->iothread.set && disk->iothreads)
                device_error(g, d, "<driver>: iothread='…' cannot be combined with <iothreads>");
        if (disk->iothread.set && !iothread_exists(g, disk->iothread.value))
                device_error(
                        g, d,
                        "<driver>: iothread %llu does not exist; define it with <iothreads> in <domain>",
                        (unsigned long long) disk->iothread.value);
        iothread_mapping_check(g, disk->iothreads, disk->queues.value);
}

/* QEMU only connects the guest to the disk's server, which decides everything else. */
static void check_vhost_user(const Guest *g, const Disk *disk)
{
        const SourceOptions *o = &disk->options;
        const struct {
                bool there;
                const char *what;
        } rows[] = {
                { o->cache > CACHE_DEFAULT, "cache" },
                { disk->error_policy || disk->read_error_policy, "error policies" },
                { o->io != 0, "io" },
                { disk->ioeventfd != UNSET, "ioeventfd" },
                { disk->copy_on_read != UNSET, "copy_on_read" },
                { o->discard != 0 || o->discard_no_unref != UNSET, "discard" },
                { o->detect_zeroes != 0, "detect_zeroes" },
                { disk->iothread.set || disk->iothreads, "iothreads" },
                { o->metadata_cache.set, "<metadata_cache>" },
                { disk->throttle.xml || disk->filters, "limits" },
                { disk->source.backing || disk->source.last, "<backingStore>" },
                { disk->source.encryption.xml != NULL, "<encryption>" },
                { disk->source.auth.xml != NULL, "<auth>" },
                { disk->read_only, "<readonly>" },
                { disk->shareable, "<shareable>" },
                { disk->transient, "<transient>" },
                { disk->serial || disk->wwn || disk->vendor || disk->product, "serial numbers and names" },
                { disk->geometry.cylinders.set || disk->geometry.translation, "<geometry>" },
                { disk->logical_block.set || disk->physical_block.set || disk->discard_granularity.set,
                  "<blockio>" },
                { disk->format > FORMAT_RAW, "an image format" },
        };

        for (size_t i = 0; i < ELEMENTS(rows); i++)
                if (rows[i].there)
                        device_error(
                                g, &disk->device, "<disk>: type='vhostuser' cannot be combined with %s",
                                rows[i].what);
        if (disk->bus != DISK_VIRTIO || disk->kind != DISK_DISK)
                device_error(
                        g, &disk->device,
                        "<disk>: type='vhostuser' requires device='disk' and bus='virtio'");
        if (disk->reconnect == ON && !disk->reconnect_seconds.set)
                device_error(g, &disk->device, "<reconnect>: enabled='yes' requires timeout='…' in seconds");
        memory_require_shared(g, disk->device.place, "type='vhostuser'");
}

static void check_images(const Guest *g, const Disk *disk)
{
        if (disk_is_vhost_user(disk)) {
                check_vhost_user(g, disk);
                return;
        }
        if (disk->reconnect != UNSET)
                device_error(g, &disk->device, "<reconnect>: requires <disk type='vhostuser'>");
        if (disk->source.empty)
                return;
        source_check(g, &disk->source);
        for (const Source *s = &disk->source; s; s = s->backing)
                if (s->type == SOURCE_NVME) {
                        const HostPci host = disk_nvme_host(s);

                        host_pci_check(g, &disk->device, &host);
                }
}

void disk_check(const Guest *g, const Device *d)
{
        const Disk *disk = DEVICE_AS(Disk, d);

        check_bus(g, disk);
        check_kind(g, disk);
        check_lun(g, disk);
        check_transient(g, disk);
        check_identity(g, disk);
        check_numbers(g, disk);
        check_images(g, disk);
        throttle_check(g, disk);
        GUEST_FOREACH_DEVICE(g, d->kind, other)
                if (other->place.line < d->place.line && streq(device_disk(other)->target, disk->target))
                        device_error(
                                g, d, "<target>: dev='%s' is already used by the disk in line %u",
                                disk->target, other->place.line);
}
