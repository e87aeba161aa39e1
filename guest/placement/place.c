/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Gives devices their addresses. Each kind of bus has its own file; this one knows the order: devices
 * require controllers, and controllers require PCI slots (those of smart cards: USB ports).
 */

#include "guest/placement/place.h"

#include <errno.h>

#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/address.h"
#include "guest/place/controller.h"
#include "guest/placement/keep.h"
#include "guest/placement/place-drive.h"
#include "guest/placement/place-pci.h"
#include "guest/placement/place-serial.h"
#include "guest/placement/place-usb.h"

static const AddressType address_types[] = {
        [BUS_PCI] = ADDRESS_PCI,   [BUS_DRIVE] = ADDRESS_DRIVE, [BUS_VIRTIO_SERIAL] = ADDRESS_VIRTIO_SERIAL,
        [BUS_CCID] = ADDRESS_CCID, [BUS_USB] = ADDRESS_USB,     [BUS_DIMM] = ADDRESS_DIMM,
};

static const char *const bus_words[] = {
        [BUS_PCI] = "a PCI",   [BUS_DRIVE] = "a drive", [BUS_VIRTIO_SERIAL] = "a virtio-serial",
        [BUS_CCID] = "a ccid", [BUS_USB] = "a USB",     [BUS_DIMM] = "a dimm",
};

static void check_address_types(Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                const Device *d = g->devices[i];

                if (d->address.type == ADDRESS_VIRTIO_MMIO && g->os->family != MACHINE_VIRT &&
                    g->os->family != MACHINE_MICROVM)
                        device_error(g, d, "<%s>: this machine type has no virtio-mmio", d->kind->element);
                else if (
                        d->bus == BUS_NONE && d->address.type == ADDRESS_PCI &&
                        !address_is_vacant(&d->address))
                        device_warning(
                                g, d, "<%s>: not a PCI device; its <address> is only kept free",
                                d->kind->element);
                else if (d->address.type == ADDRESS_UNASSIGNED && !streq(d->kind->element, "hostdev"))
                        device_error(
                                g, d, "<%s>: <address type='unassigned'/> requires <hostdev>",
                                d->kind->element);
                else if (
                        d->bus != BUS_NONE && d->address.type != ADDRESS_NONE &&
                        d->address.type != ADDRESS_UNASSIGNED && d->address.type != address_types[d->bus])
                        device_error(g, d, "<%s>: requires %s address", d->kind->element, bus_words[d->bus]);
        }
}

/* The machine's own controllers, and a USB controller unless the XML disables it. */
static void imply_machine_controllers(Guest *g)
{
        PciModel root = g->os->family == MACHINE_I440FX ? PCI_ROOT : PCI_EXPRESS_ROOT;
        const Controller *found;

        if (os_is_pc(g->os))
                controller_imply(g, CONTROLLER_USB, 0, PCI_NO_MODEL);
        if (g->os->family == MACHINE_Q35)
                controller_imply(g, CONTROLLER_SATA, 0, PCI_NO_MODEL);
        if (!os_is_pc(g->os) && g->os->family != MACHINE_VIRT)
                return;
        found = controller_imply(g, CONTROLLER_PCI, 0, root);
        if (found && found->pci_model != root)
                device_error(
                        g, &found->device,
                        "<controller>: the PCI controller with index='0' must have model='%s' on this "
                        "machine type, not '%s'",
                        pci_model_word(root), pci_model_word(found->pci_model));
}

static const Device *slot_user(const Guest *g, uint64_t slot, const Device *until)
{
        for (size_t i = 0; i < g->n_devices && g->devices[i] != until; i++) {
                const Device *d = g->devices[i];

                if (d->bus == BUS_DIMM && d->address.type == ADDRESS_DIMM && d->address.dimm.slot.set &&
                    d->address.dimm.slot.value == slot)
                        return d;
        }
        return NULL;
}

static void place_dimms(Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                Device *d = g->devices[i];
                uint64_t slot = 0;

                if (d->bus != BUS_DIMM)
                        continue;
                if (d->address.dimm.slot.set) {
                        const Device *other = slot_user(g, d->address.dimm.slot.value, d);

                        if (other)
                                device_error(
                                        g, d, "<%s>: %s is already used by the <%s> in line %u",
                                        d->kind->element, address_text(g, &d->address), other->kind->element,
                                        other->place.line);
                        continue;
                }
                while (slot_user(g, slot, NULL))
                        slot++;
                d->address.type = ADDRESS_DIMM;
                d->address.dimm.slot = (Number){ slot, true };
        }
}

/* libvirt names disks by their addresses. */
static void set_drive_ids(Guest *g)
{
        static const char *const words[] = { "", "fdc", "ide", "sata", "scsi", "nvme" };

        for (size_t i = 0; i < g->n_devices; i++) {
                Device *d = g->devices[i];
                const Address *a = &d->address;
                const Controller *c;

                if (d->bus != BUS_DRIVE || d->id || a->type != ADDRESS_DRIVE)
                        continue;
                c = controller_find(g, CONTROLLER_SCSI, a->drive.controller);
                if (d->drive_bus == DRIVE_SCSI && !(c && c->short_ids))
                        device_set_id(
                                g, d, "scsi%u-%u-%u-%u", a->drive.controller, a->drive.bus, a->drive.target,
                                a->drive.unit);
                else
                        device_set_id(
                                g, d, "%s%u-%u-%u", words[d->drive_bus], a->drive.controller, a->drive.bus,
                                a->drive.unit);
        }
}

static int compare_ids(const void *a, const void *b)
{
        const Device *const *d = a, *const *e = b;

        return strcmp((*d)->id, (*e)->id);
}

/* QEMU accepts an id only once. The ids generated here are unique, and differ from any that the XML may
 * choose. */
static void check_ids(Guest *g)
{
        _cleanup_(freep) Device **chosen = calloc(g->n_devices + 1, sizeof(*chosen));
        size_t n = 0;

        if (!chosen) {
                g->status = -ENOMEM;
                return;
        }
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->user_id && g->devices[i]->id)
                        chosen[n++] = g->devices[i];
        qsort(chosen, n, sizeof(*chosen), compare_ids);
        for (size_t i = 1; i < n; i++)
                if (streq(chosen[i - 1]->id, chosen[i]->id))
                        device_error(
                                g, chosen[i], "<alias>: the device in line %u is already called '%s'",
                                chosen[i - 1]->place.line, chosen[i]->id);
}

/* The guest's operating system names a PCI device by its ACPI index. */
static bool has_acpi_index(const Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->acpi_index.set)
                        return true;
        return false;
}

static void check_acpi_indexes(Guest *g)
{
        _cleanup_(freep) const Device **users = NULL;

        if (!has_acpi_index(g))
                return;
        users = calloc(DEVICE_ACPI_INDEX_MAX + 1, sizeof(*users));
        if (!users) {
                g->status = -ENOMEM;
                return;
        }
        for (size_t i = 0; i < g->n_devices; i++) {
                const Device *d = g->devices[i], **user = &users[d->acpi_index.value];

                if (!d->acpi_index.set)
                        continue;
                if (d->address.type != ADDRESS_PCI)
                        device_error(
                                g, d, "<%s>: <acpi index='…'/> requires a PCI device", d->kind->element);
                else if (*user)
                        device_error(
                                g, d, "<%s>: ACPI index %llu is already used by the device in line %u",
                                d->kind->element, (unsigned long long) d->acpi_index.value,
                                (*user)->place.line);
                *user = d;
        }
}

void place_devices(Guest *g)
{
        controllers_settle(g);
        imply_machine_controllers(g);
        check_address_types(g);
        kept_addresses_apply(g);
        place_drives(g);
        place_drive_controllers(g);
        place_serial_controllers(g);
        place_serial_ports(g);
        if (findings_failed(g->findings) || g->status < 0)
                return;
        place_pci(g);
        place_usb(g);
        place_dimms(g);
        controllers_set_ids(g);
        set_drive_ids(g);
        check_ids(g);
        check_acpi_indexes(g);
}
