/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A disk's target name decides where it is plugged in: sdc on SATA is the third unit of the first
 * controller, nvme1n2 the second namespace of the second. Other drives (SCSI devices of the host) get
 * the first free unit.
 */

#include "guest/placement/place-drive.h"

#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/address.h"
#include "guest/place/controller.h"

/* The capacity of each kind of controller. */
static const struct {
        const char *word;
        ControllerType type;
        unsigned units_per_bus, buses, targets; /* of one controller */
        unsigned controllers;                   /* at most per guest */
} drive_buses[] = {
        [DRIVE_FDC] = { "fdc", CONTROLLER_FDC, 2, 1, 1, 1 },
        [DRIVE_IDE] = { "ide", CONTROLLER_IDE, 2, 2, 1, 1 },
        [DRIVE_SATA] = { "sata", CONTROLLER_SATA, 6, 1, 1, CONTROLLER_INDEX_MAX + 1 },
        [DRIVE_SCSI] = { "scsi", CONTROLLER_SCSI, 16384, 1, 256, CONTROLLER_INDEX_MAX + 1 },
        [DRIVE_NVME] = { "nvme", CONTROLLER_NVME, NVME_NAMESPACES, 1, 1, CONTROLLER_INDEX_MAX + 1 },
};

#define SCSI_UNITS_UNASKED                                                                                 \
        7 /* that are used unless an address says so; of a narrow bus, the controller itself is the eighth \
           */

static bool is_same_unit(const Device *d, DriveBus bus, const Address *a)
{
        return d->bus == BUS_DRIVE && d->drive_bus == bus && d->address.type == ADDRESS_DRIVE &&
               d->address.drive.controller == a->drive.controller && d->address.drive.bus == a->drive.bus &&
               d->address.drive.target == a->drive.target && d->address.drive.unit == a->drive.unit;
}

/* The first device at that unit, among those before until. */
static const Device *user_of(const Guest *g, DriveBus bus, const Address *a, const Device *until)
{
        for (size_t i = 0; i < g->n_devices && g->devices[i] != until; i++)
                if (is_same_unit(g->devices[i], bus, a))
                        return g->devices[i];
        return NULL;
}

/* The unit for a disk named "sda" and so on. */
static void place_by_name(Device *d)
{
        unsigned n = (unsigned) d->drive_index.value;
        unsigned units = drive_buses[d->drive_bus].units_per_bus, buses = drive_buses[d->drive_bus].buses;
        Address a = { .type = ADDRESS_DRIVE };

        if (d->drive_bus == DRIVE_SCSI)
                units = SCSI_UNITS_UNASKED;
        a.drive.controller = n / (units * buses);
        a.drive.bus = n / units % buses;
        a.drive.unit = n % units;
        d->address = a;
}

static bool is_free(const Guest *g, DriveBus bus, const Address *a)
{
        return !user_of(g, bus, a, NULL);
}

static void place_in_free_unit(Guest *g, Device *d)
{
        unsigned units =
                d->drive_bus == DRIVE_SCSI ? SCSI_UNITS_UNASKED : drive_buses[d->drive_bus].units_per_bus;
        Address a = { .type = ADDRESS_DRIVE };

        for (; a.drive.controller < drive_buses[d->drive_bus].controllers; a.drive.controller++)
                for (a.drive.bus = 0; a.drive.bus < drive_buses[d->drive_bus].buses; a.drive.bus++)
                        for (a.drive.unit = 0; a.drive.unit < units; a.drive.unit++)
                                if (is_free(g, d->drive_bus, &a)) {
                                        d->address = a;
                                        return;
                                }
        device_error(
                g, d, "<%s>: no unit is free on any %s controller", d->kind->element,
                drive_buses[d->drive_bus].word);
}

void place_drives(Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                Device *d = g->devices[i];

                if (d->bus == BUS_DRIVE && d->address.type == ADDRESS_NONE && d->drive_index.set)
                        place_by_name(d);
        }
        for (size_t i = 0; i < g->n_devices; i++) {
                Device *d = g->devices[i];

                if (d->bus == BUS_DRIVE && d->address.type == ADDRESS_NONE)
                        place_in_free_unit(g, d);
        }
}

/* Whether the machine can have such controllers. */
static bool check_machine(Guest *g, const Device *d)
{
        if (d->drive_bus == DRIVE_IDE && g->os->family != MACHINE_I440FX && g->os->family != MACHINE_ISAPC)
                device_error(g, d, "<%s>: this machine type has no IDE; use bus='sata'", d->kind->element);
        else if (d->drive_bus == DRIVE_FDC && !os_is_x86(g->os))
                device_error(
                        g, d, "<%s>: this machine type does not support floppy drives", d->kind->element);
        else
                return true;
        return false;
}

static bool check_range(Guest *g, const Device *d)
{
        const Address *a = &d->address;
        DriveBus i = d->drive_bus;
        const struct {
                const char *one, *many;
                unsigned value, n;
        } ranges[] = {
                { "controller", "controllers", a->drive.controller, drive_buses[i].controllers },
                { "bus", "buses", a->drive.bus, drive_buses[i].buses },
                { "target", "targets", a->drive.target, drive_buses[i].targets },
                { "unit", "units", a->drive.unit, drive_buses[i].units_per_bus },
        };

        for (size_t k = 0; k < ELEMENTS(ranges); k++)
                if (ranges[k].value >= ranges[k].n) {
                        device_error(
                                g, d, "<%s>: %s: %s supports at most %u %s", d->kind->element,
                                address_text(g, a), drive_buses[i].word, ranges[k].n,
                                ranges[k].n == 1 ? ranges[k].one : ranges[k].many);
                        return false;
                }
        return true;
}

static void check_unit(Guest *g, const Device *d)
{
        const Controller *c =
                controller_find(g, drive_buses[d->drive_bus].type, d->address.drive.controller);
        const Device *other = user_of(g, d->drive_bus, &d->address, d);

        if (other)
                device_error(
                        g, d, "<%s>: %s is already used by the <%s> in line %u", d->kind->element,
                        address_text(g, &d->address), other->kind->element, other->place.line);
        if (c && c->narrow && d->address.drive.target != 0)
                device_error(
                        g, d, "<%s>: %s: target must be 0 on this controller", d->kind->element,
                        address_text(g, &d->address));
        if (c && c->narrow && d->address.drive.unit > 7)
                device_error(
                        g, d, "<%s>: %s: unit must be at most 7 on this controller", d->kind->element,
                        address_text(g, &d->address));
}

static void imply(Guest *g, DriveBus bus)
{
        unsigned n = 0;

        for (size_t i = 0; i < g->n_devices; i++) {
                const Device *d = g->devices[i];

                if (d->bus == BUS_DRIVE && d->drive_bus == bus && d->address.type == ADDRESS_DRIVE &&
                    d->address.drive.controller >= n)
                        n = d->address.drive.controller + 1;
        }
        for (unsigned i = 0; i < n && i <= CONTROLLER_INDEX_MAX; i++)
                controller_imply(g, drive_buses[bus].type, i, PCI_NO_MODEL);
}

void place_drive_controllers(Guest *g)
{
        bool ok = true;

        for (size_t i = 0; i < g->n_devices; i++) {
                const Device *d = g->devices[i];

                if (d->bus == BUS_DRIVE && d->address.type == ADDRESS_DRIVE)
                        ok = check_machine(g, d) && check_range(g, d) && ok;
        }
        if (!ok)
                return;
        imply(g, DRIVE_SCSI);
        imply(g, DRIVE_FDC);
        imply(g, DRIVE_IDE);
        imply(g, DRIVE_SATA);
        imply(g, DRIVE_NVME);
        for (size_t i = 0; i < g->n_devices; i++) {
                const Device *d = g->devices[i];

                if (d->bus == BUS_DRIVE && d->address.type == ADDRESS_DRIVE)
                        check_unit(g, d);
        }
}
