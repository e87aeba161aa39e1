/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PCI addresses are assigned in two passes, as in libvirt. The first pass counts the buses that the guest
 * needs, with some room for hotplug. Then the controllers of these buses are added, and the second pass
 * assigns the addresses: first the chipset's own devices, then kind by kind in a fixed order.
 *
 * There are no isolation groups as in libvirt: no machine that vmunit supports needs them.
 */

#include "guest/placement/place-pci.h"

#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/address.h"
#include "guest/place/controller.h"

#define HOME(slot, function) ((slot) << 3 | (function))

typedef struct Placement {
        Guest *guest;
        PciBuses buses;
        bool express; /* the root bus is PCI Express */
} Placement;

/* Which devices of an element a row of the order is for. */
typedef enum Turn {
        TURN_ANY,
        TURN_PCI_CONTROLLER,
        TURN_OTHER_CONTROLLER,
        TURN_PASSED_THROUGH, /* an interface that is a PCI device of the host */
        TURN_NOT_PASSED_THROUGH,
} Turn;

/* The order in which devices get their slots. */
static const struct {
        const char *element; /* NULL: all others */
        Turn turn;
} order[] = {
        { "controller", TURN_PCI_CONTROLLER },
        { "filesystem", TURN_ANY },
        { "interface", TURN_NOT_PASSED_THROUGH },
        { "sound", TURN_ANY },
        { "controller", TURN_OTHER_CONTROLLER },
        { "disk", TURN_ANY },
        { "interface", TURN_PASSED_THROUGH },
        { "hostdev", TURN_ANY },
        { "memballoon", TURN_ANY },
        { "rng", TURN_ANY },
        { "watchdog", TURN_ANY },
        { "video", TURN_ANY },
        { "shmem", TURN_ANY },
        { "input", TURN_ANY },
        { "serial", TURN_ANY },
        { "iommu", TURN_ANY },
        { "vsock", TURN_ANY },
        { "memory", TURN_ANY },
        { "crypto", TURN_ANY },
        { "panic", TURN_ANY },
        { "pstore", TURN_ANY },
        { NULL, TURN_ANY },
};

static bool is_placed(const Device *d)
{
        return !device_is_removed(d) && d->address.type == ADDRESS_PCI && !address_is_vacant(&d->address);
}

static bool is_wanting(const Device *d)
{
        return !device_is_removed(d) && d->bus == BUS_PCI &&
               (d->address.type == ADDRESS_NONE ||
                (d->address.type == ADDRESS_PCI && address_is_vacant(&d->address)));
}

static unsigned wants_of(const Placement *p, const Device *d)
{
        /* an address that a device does not use is still reserved */
        if (d->bus != BUS_PCI)
                return PCI_CONVENTIONAL;
        if (d->pci & PCI_EXPRESS && !p->express)
                return (d->pci & ~(unsigned) PCI_EXPRESS) | PCI_CONVENTIONAL;
        return d->pci;
}

static bool is_root(const Controller *c)
{
        return c->pci_model == PCI_ROOT || c->pci_model == PCI_EXPRESS_ROOT;
}

static Controller *built_in(Device *d)
{
        ControllerType type;
        Controller *c = controller_of(d, &type);

        return c && c->home.set && c->index.value == 0 ? c : NULL;
}

/* The buses of the XML's controllers, and the addresses that the XML sets. */
static bool set_up(Placement *p, unsigned n, bool growing)
{
        Guest *g = p->guest;
        bool ok = true;

        p->buses = (PciBuses){ .guest = g, .growing = growing };
        if (!pci_buses_extend(&p->buses, n))
                return false;
        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_PCI, c)
                if (c->index.value < n)
                        pci_bus_set_model(&p->buses.buses[c->index.value], c->pci_model);
        for (unsigned i = 1; i < n; i++)
                if (p->buses.buses[i].model == PCI_NO_MODEL)
                        pci_bus_set_model(
                                &p->buses.buses[i], p->express ? PCI_MODEL_ROOT_PORT : PCI_MODEL_BRIDGE);
        for (size_t i = 0; i < g->n_devices; i++) {
                Device *d = g->devices[i];

                if (is_placed(d) && !built_in(d))
                        ok = pci_buses_take(&p->buses, &d->address, wants_of(p, d), d, true) && ok;
        }
        return ok;
}

static bool take_home(Placement *p, unsigned home, const Device *user)
{
        Address a = { .type = ADDRESS_PCI, .pci = { .slot = home >> 3, .function = home & 7 } };

        return pci_buses_take(&p->buses, &a, PCI_CONVENTIONAL | PCI_EXPRESS, user, true);
}

static bool place_built_in(Placement *p)
{
        bool ok = true;

        for (size_t i = 0; i < p->guest->n_devices; i++) {
                Controller *c = built_in(p->guest->devices[i]);
                Address home = { .type = ADDRESS_PCI };

                if (!c)
                        continue;
                home.pci.slot = (unsigned) c->home.value >> 3;
                home.pci.function = (unsigned) c->home.value & 7;
                if (is_placed(&c->device) &&
                    (c->device.address.pci.bus != 0 || c->device.address.pci.slot != home.pci.slot ||
                     c->device.address.pci.function != home.pci.function)) {
                        device_error(
                                p->guest, &c->device,
                                "<controller>: this machine type has it at %s; change or remove <address>",
                                address_text(p->guest, &home));
                        ok = false;
                        continue;
                }
                c->device.address = home;
                ok = take_home(p, (unsigned) c->home.value, &c->device) && ok;
        }
        return ok;
}

/* The first function of an ICH9 USB controller has others behind it in any real machine. */
static void announce_companions(Device *d)
{
        const Controller *usb = controller_of_type(d, CONTROLLER_USB);

        if (usb && usb->usb2 && usb->function == 0)
                d->address.pci.multifunction = ON;
}

/* Devices with a customary slot get it if it is free. */
static bool place_preferred(Placement *p, const char *element)
{
        for (size_t i = 0; i < p->guest->n_devices; i++) {
                Device *d = p->guest->devices[i];
                unsigned home = (unsigned) d->pci_preferred.value;

                if (!d->pci_preferred.set || !streq(d->kind->element, element) || !is_wanting(d))
                        continue;
                /* a second ICH9 USB controller has one, too */
                if (home == HOME(0x1d, 0) && pci_slot_is_used(&p->buses, 0, home >> 3))
                        home = HOME(0x1a, 0);
                if (pci_slot_is_used(&p->buses, 0, home >> 3))
                        continue;
                if (!take_home(p, home, d))
                        return false;
                d->address =
                        (Address){ .type = ADDRESS_PCI, .pci = { .slot = home >> 3, .function = home & 7 } };
                announce_companions(d);
        }
        return true;
}

/* QEMU's own VGA takes the first free slot of the chipset, so that
 * is where the first video device belongs. */
static bool place_primary_video(Placement *p, unsigned slot)
{
        for (size_t i = 0; i < p->guest->n_devices; i++) {
                Device *d = p->guest->devices[i];
                Address a = { .type = ADDRESS_PCI, .pci = { .slot = slot } };

                if (!streq(d->kind->element, "video"))
                        continue;
                if (!is_wanting(d))
                        return true;
                if (pci_slot_is_used(&p->buses, 0, slot)) {
                        if (!pci_take_next(&p->buses, wants_of(p, d), d, PCI_ANY_FUNCTION, &a))
                                return false;
                        if (!p->buses.growing)
                                d->address = a;
                        return true;
                }
                if (!take_home(p, HOME(slot, 0), d))
                        return false;
                d->address = a;
                return true;
        }
        return true;
}

static bool place_chipset(Placement *p)
{
        bool has_ide = controller_find(p->guest, CONTROLLER_IDE, 0) != NULL;

        if (p->guest->os->family == MACHINE_I440FX)
                return place_built_in(p) &&                          /* of the PIIX3: IDE and USB */
                       take_home(p, HOME(0x01, 0), &pci_built_in) && /* its ISA bridge */
                       (has_ide ||
                        take_home(p, HOME(0x01, 1), &pci_built_in)) && /* IDE is there even if unused */
                       take_home(p, HOME(0x01, 3), &pci_built_in) &&   /* and power management */
                       place_primary_video(p, 2);
        if (p->guest->os->family == MACHINE_Q35)
                return place_built_in(p) && /* of the ICH9: SATA */
                       place_preferred(p, "controller") &&
                       take_home(p, HOME(0x1f, 0), &pci_built_in) && /* ISA bridge */
                       take_home(p, HOME(0x1f, 3), &pci_built_in) && /* SMBus */
                       place_primary_video(p, 1) && place_preferred(p, "sound");
        return true;
}

/* The functions of an ICH9 USB controller share a slot, with the numbers of real hardware. */
static bool place_companion(Placement *p, Controller *c)
{
        Device *d = &c->device;
        Address a = { .type = ADDRESS_PCI };

        GUEST_FOREACH_CONTROLLER(p->guest, CONTROLLER_USB, other) {
                if (!other->usb2 || other->index.value != c->index.value || !is_placed(&other->device))
                        continue;
                a = other->device.address;
                a.pci.function = c->function;
                a.pci.multifunction = UNSET; /* only the first function sets it */
                if (!pci_buses_take(&p->buses, &a, wants_of(p, d), d, true))
                        return false;
                d->address = a;
                return true;
        }
        if (!pci_take_next(&p->buses, wants_of(p, d), d, c->function, &a))
                return false;
        if (!p->buses.growing) {
                d->address = a;
                announce_companions(d);
        }
        return true;
}

static bool is_passed_through(const Device *d)
{
        for (size_t i = 0; d->xml && i < d->xml->n_attributes; i++)
                if (streq(d->xml->attributes[i].name, "type"))
                        return streq(d->xml->attributes[i].value, "hostdev");
        return false;
}

static bool has_turn(Device *d, const char *element, Turn turn)
{
        if (!streq(d->kind->element, element))
                return false;
        switch (turn) {
        case TURN_PCI_CONTROLLER:
                return controller_of_type(d, CONTROLLER_PCI) != NULL;
        case TURN_OTHER_CONTROLLER:
                return !controller_of_type(d, CONTROLLER_PCI);
        case TURN_PASSED_THROUGH:
                return is_passed_through(d);
        case TURN_NOT_PASSED_THROUGH:
                return !is_passed_through(d);
        default:
                return true;
        }
}

static bool place_device(Placement *p, Device *d)
{
        Controller *usb = controller_of_type(d, CONTROLLER_USB);
        Address a;

        if (usb && usb->usb2)
                return place_companion(p, usb);
        if (!pci_take_next(&p->buses, wants_of(p, d), d, PCI_ANY_FUNCTION, &a))
                return false;
        if (!p->buses.growing)
                d->address = a;
        return true;
}

static bool is_listed(const char *element)
{
        for (size_t row = 0; row < ELEMENTS(order) && order[row].element; row++)
                if (streq(order[row].element, element))
                        return true;
        return false;
}

static bool place_all(Placement *p)
{
        for (size_t row = 0; row < ELEMENTS(order); row++)
                for (size_t i = 0; i < p->guest->n_devices; i++) {
                        Device *d = p->guest->devices[i];

                        if (!is_wanting(d))
                                continue;
                        if (order[row].element ? !has_turn(d, order[row].element, order[row].turn)
                                               : is_listed(d->kind->element))
                                continue;
                        if (!place_device(p, d))
                                return false;
                }
        return true;
}

/* One slot for a device that may be plugged in later: on i440fx before the others, so that a bridge still
 * fits. */
static bool reserve_conventional(Placement *p)
{
        Address a;

        for (unsigned i = 0; i < p->buses.n; i++)
                if (!pci_bus_is_full(&p->buses.buses[i]))
                        return pci_take_next(
                                &p->buses, PCI_CONVENTIONAL, &pci_built_in, PCI_ANY_FUNCTION, &a);
        return true;
}

static bool imply_controllers(Placement *p)
{
        for (unsigned i = 1; i < p->buses.n; i++) {
                Controller *c = controller_find(p->guest, CONTROLLER_PCI, i);
                Address a;

                if (c)
                        continue;
                c = controller_imply(p->guest, CONTROLLER_PCI, i, p->buses.buses[i].model);
                if (!c || !pci_take_next(&p->buses, c->device.pci, &c->device, PCI_ANY_FUNCTION, &a))
                        return false;
        }
        return true;
}

/* Determines which controllers are needed, and adds them. */
static bool count_buses(Placement *p, unsigned n)
{
        Address a;

        if (!set_up(p, n, true) || !place_chipset(p))
                return false;
        if (!p->express && !reserve_conventional(p))
                return false;
        if (!place_all(p))
                return false;
        /* an empty port for hotplug, if the XML defines no ports and some were needed */
        if (p->express && n == 1 && p->buses.n > 1 &&
            !pci_take_next(&p->buses, PCI_EXPRESS, &pci_built_in, PCI_ANY_FUNCTION, &a))
                return false;
        return imply_controllers(p);
}

/* QEMU requires the first function of a slot to announce the others. */
static void mark_multifunction(Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                const Address *other = &g->devices[i]->address;

                if (other->type != ADDRESS_PCI || other->pci.function == 0)
                        continue;
                for (size_t k = 0; k < g->n_devices; k++) {
                        Address *a = &g->devices[k]->address;

                        if (a->type == ADDRESS_PCI && a->pci.domain == other->pci.domain &&
                            a->pci.bus == other->pci.bus && a->pci.slot == other->pci.slot &&
                            a->pci.function == 0 && a->pci.multifunction == UNSET)
                                a->pci.multifunction = ON;
                }
        }
}

/* Whether a bus plugs into itself, directly or through others. */
static bool is_circular(Guest *g)
{
        const Controller *controllers[PCI_BUSES_MAX] = {};

        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_PCI, c)
                controllers[c->index.value] = c;
        for (unsigned i = 0; i < PCI_BUSES_MAX; i++) {
                const Controller *c = controllers[i];

                for (unsigned depth = 0; c && !is_root(c); depth++) {
                        if (depth == PCI_BUSES_MAX) {
                                device_error(
                                        g, &controllers[i]->device,
                                        "<controller>: its bus is behind the controller itself; choose "
                                        "another bus in <address>");
                                return true;
                        }
                        c = controllers[c->device.address.pci.bus];
                }
        }
        return false;
}

/* Whether first must come before c in QEMU's options. */
static bool is_needed_by(Device *first, const Controller *c, ControllerType type)
{
        const Controller *other = controller_of_type(first, type);

        if (!other)
                return false;
        if (type == CONTROLLER_PCI)
                return !is_root(c) && other->index.value == c->device.address.pci.bus;
        return type == CONTROLLER_USB && c->companion && !other->companion &&
               other->index.value == c->index.value;
}

/* The controller of a bus comes before controllers on that bus, whatever their indexes, and a USB master
 * before its companions. */
static void order_by_need(Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                ControllerType type;
                const Controller *c = controller_of(g->devices[i], &type);
                size_t first = i + 1;
                Device *moved;

                if (!c)
                        continue;
                while (first < g->n_devices && !is_needed_by(g->devices[first], c, type))
                        first++;
                if (first == g->n_devices)
                        continue;
                moved = g->devices[first];
                memmove(&g->devices[i + 1], &g->devices[i], (first - i) * sizeof(*g->devices));
                g->devices[i--] = moved;
        }
}

void place_pci(Guest *g)
{
        Placement p = { .guest = g };
        unsigned n = 0;
        bool ok = true;

        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_PCI, c) {
                if (c->index.value >= n)
                        n = (unsigned) c->index.value + 1;
                if (c->index.value == 0)
                        p.express = c->pci_model == PCI_EXPRESS_ROOT;
        }
        if (n > 0) {
                ok = count_buses(&p, n);
                n = p.buses.n;
                pci_buses_done(&p.buses);
        }
        if (ok)
                ok = set_up(&p, n, false) && place_chipset(&p) && place_all(&p);
        pci_buses_done(&p.buses);
        if (!ok)
                return;
        mark_multifunction(g);
        if (!is_circular(g))
                order_by_need(g);
}
