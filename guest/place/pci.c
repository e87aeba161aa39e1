/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Guests see their devices' addresses, and some name devices by them, so free slots are searched exactly as
 * libvirt does: buses in order, slots in order, one device per slot, except root ports, which share the
 * functions of a slot. A device without an address in the XML goes only to a bus that accepts such devices,
 * which is never the express root; if there is none, a port or a bridge is added. Source: libvirt's "PCI
 * topology and hotplug", and the addresses that it assigns.
 */

#include "guest/place/pci.h"

#include <errno.h>

#include "guest/guest.h"
#include "guest/place/address.h"

#define ENDPOINTS (PCI_CONVENTIONAL | PCI_EXPRESS)

const Device pci_built_in;

static const struct {
        const char *word;
        unsigned wants;
        unsigned accepts;
        bool automatic;
        unsigned first, last;
} models[PCI_N_MODELS] = {
        [PCI_ROOT] = { "pci-root", 0, PCI_CONVENTIONAL | PCI_BRIDGE | PCI_EXPANDER, true, 1, 31 },
        [PCI_EXPRESS_ROOT] = { "pcie-root", 0,
                               PCI_EXPRESS | PCI_ROOT_PORT | PCI_DMI_BRIDGE | PCI_EXPRESS_EXPANDER, false, 1,
                               31 },
        [PCI_MODEL_BRIDGE] = { "pci-bridge", PCI_BRIDGE, PCI_CONVENTIONAL | PCI_BRIDGE, true, 1, 31 },
        [PCI_MODEL_DMI_BRIDGE] = { "dmi-to-pci-bridge", PCI_DMI_BRIDGE, PCI_CONVENTIONAL | PCI_BRIDGE, false,
                                   0, 31 },
        [PCI_MODEL_EXPRESS_BRIDGE] = { "pcie-to-pci-bridge", PCI_EXPRESS_BRIDGE,
                                       PCI_CONVENTIONAL | PCI_BRIDGE, true, 1, 31 },
        [PCI_MODEL_ROOT_PORT] = { "pcie-root-port", PCI_ROOT_PORT,
                                  PCI_EXPRESS | PCI_UPSTREAM_PORT | PCI_EXPRESS_BRIDGE, true, 0, 0 },
        [PCI_MODEL_UPSTREAM_PORT] = { "pcie-switch-upstream-port", PCI_UPSTREAM_PORT, PCI_DOWNSTREAM_PORT,
                                      false, 0, 31 },
        [PCI_MODEL_DOWNSTREAM_PORT] = { "pcie-switch-downstream-port", PCI_DOWNSTREAM_PORT,
                                        PCI_EXPRESS | PCI_UPSTREAM_PORT | PCI_EXPRESS_BRIDGE, true, 0, 0 },
        [PCI_MODEL_EXPANDER] = { "pci-expander-bus", PCI_EXPANDER, PCI_CONVENTIONAL | PCI_BRIDGE, true, 0,
                                 31 },
        [PCI_MODEL_EXPRESS_EXPANDER] = { "pcie-expander-bus", PCI_EXPRESS_EXPANDER,
                                         PCI_ROOT_PORT | PCI_DMI_BRIDGE, false, 0, 31 },
};

const char *pci_model_word(PciModel model)
{
        return models[model].word ?: "none";
}

unsigned pci_model_wants(PciModel model)
{
        return models[model].wants;
}

void pci_buses_done(PciBuses *b)
{
        free(b->buses);
        b->buses = NULL;
        b->n = 0;
}

bool pci_buses_extend(PciBuses *b, unsigned n)
{
        PciBus *grown;

        if (n <= b->n)
                return true;
        if (n > PCI_BUSES_MAX) {
                guest_error(
                        b->guest, b->guest->devices_place,
                        "the devices require more than %u PCI buses, which is the limit; remove some "
                        "devices",
                        PCI_BUSES_MAX);
                return false;
        }
        grown = reallocarray(b->buses, n, sizeof(*grown));
        if (!grown) {
                b->guest->status = -ENOMEM;
                return false;
        }
        memset(grown + b->n, 0, (n - b->n) * sizeof(*grown));
        b->buses = grown;
        b->n = n;
        return true;
}

void pci_bus_set_model(PciBus *bus, PciModel model)
{
        bus->model = model;
        bus->accepts = models[model].accepts;
        bus->automatic = models[model].automatic;
        bus->first = models[model].first;
        bus->last = models[model].last;
}

static bool slot_is_used(const PciSlot *slot)
{
        for (unsigned i = 0; i < PCI_FUNCTIONS; i++)
                if (slot->users[i])
                        return true;
        return false;
}

bool pci_slot_is_used(const PciBuses *b, unsigned bus, unsigned slot)
{
        return slot_is_used(&b->buses[bus].slots[slot]);
}

bool pci_bus_is_full(const PciBus *bus)
{
        for (unsigned i = bus->first; i <= bus->last; i++)
                if (!slot_is_used(&bus->slots[i]))
                        return false;
        return true;
}

/* NULL if the bus of that number is suitable, otherwise the reason. */
static const char *misfit(const PciBus *bus, unsigned number, unsigned wants, bool from_xml)
{
        unsigned accepts = bus->accepts;
        bool automatic = bus->automatic;

        if (wants & PCI_INTEGRATED) {
                if (number != 0)
                        return "the device must be on the root bus (bus 0)";
                automatic = true;
                accepts |= ENDPOINTS;
        }
        if (from_xml) {
                if (accepts & ENDPOINTS)
                        accepts |= ENDPOINTS;
                if (wants & PCI_BRIDGE)
                        wants |= PCI_CONVENTIONAL;
        } else if (wants & ENDPOINTS && !automatic) {
                return "that bus accepts only devices whose <address> names it";
        }
        return wants & accepts & ~(unsigned) PCI_INTEGRATED ? NULL : "that bus does not accept this device";
}

/* a: the address in question, or NULL */
static bool complain(PciBuses *b, const Device *user, const Address *a, const char *why)
{
        Place place = user->kind ? user->place : b->guest->devices_place;

        const char *element = user->kind ? user->kind->element : "devices";

        if (a)
                guest_error(b->guest, place, "<%s>: %s: %s", element, address_text(b->guest, a), why);
        else
                guest_error(b->guest, place, "<%s>: %s", element, why);
        return false;
}

/* Adds a bus to the search, of a model that has slots for such a device. */
static bool grow(PciBuses *b, Address *a, unsigned wants, const Device *user)
{
        unsigned add = a->pci.bus + 1 - b->n, i = b->n;
        bool bridge_needed = false;
        PciModel model;

        if (a->pci.bus < b->n)
                return true;
        if (wants & PCI_CONVENTIONAL) {
                model = PCI_MODEL_BRIDGE;
                bridge_needed = true;
                for (unsigned k = 0; k < b->n; k++)
                        if (b->buses[k].accepts & PCI_BRIDGE)
                                bridge_needed = false;
                if (bridge_needed && add == 1) {
                        add++;
                        a->pci.bus++;
                }
        } else if (wants & (PCI_EXPRESS | PCI_UPSTREAM_PORT | PCI_EXPRESS_BRIDGE)) {
                model = PCI_MODEL_ROOT_PORT;
        } else {
                return complain(
                        b, user, NULL,
                        "no PCI controller has a slot for it; add a suitable <controller type='pci'>");
        }
        if (!pci_buses_extend(b, b->n + add))
                return false;
        if (bridge_needed) {
                /* The first conventional device of an express machine: a port with a bridge in it, and only
                 * that. */
                pci_bus_set_model(&b->buses[i], PCI_MODEL_ROOT_PORT);
                b->buses[i++].accepts = PCI_EXPRESS_BRIDGE;
                pci_bus_set_model(&b->buses[i++], PCI_MODEL_EXPRESS_BRIDGE);
        }
        for (; i < b->n; i++)
                pci_bus_set_model(&b->buses[i], model);
        return true;
}

bool pci_buses_take(PciBuses *b, Address *a, unsigned wants, const Device *user, bool from_xml)
{
        const char *why;
        PciSlot *slot;
        PciBus *bus;

        if (b->growing && !grow(b, a, wants, user))
                return false;
        if (b->n == 0)
                return complain(b, user, NULL, "this machine type has no PCI bus");
        if (a->pci.domain != 0)
                return complain(b, user, a, "the PCI domain must be 0");
        if (a->pci.bus >= b->n)
                return complain(
                        b, user, a, "no PCI controller has this bus number; add a <controller type='pci'>");
        bus = &b->buses[a->pci.bus];
        why = misfit(bus, a->pci.bus, wants, from_xml);
        if (why)
                return complain(
                        b, user, a, guest_text(b->guest, "%s: it is a %s", why, pci_model_word(bus->model)));
        if (a->pci.slot < bus->first || a->pci.slot > bus->last) {
                const char *model = pci_model_word(bus->model);

                why = bus->first == bus->last
                              ? guest_text(b->guest, "slot must be %u on a %s", bus->first, model)
                              : guest_text(
                                        b->guest, "slot must be between %u and %u on a %s", bus->first,
                                        bus->last, model);
                return complain(b, user, a, why);
        }
        slot = &bus->slots[a->pci.slot];
        if (slot->users[a->pci.function]) {
                const Device *other = slot->users[a->pci.function];

                if (!user->kind)
                        return complain(
                                b, other, a, "the address is used by a built-in device of the machine");
                if (!other->kind)
                        return complain(
                                b, user, a, "the address is used by a built-in device of the machine");
                return complain(
                        b, user, a,
                        guest_text(
                                b->guest, "already used by the <%s> in line %u", other->kind->element,
                                other->place.line));
        }
        if (!slot_is_used(slot) && wants & PCI_ROOT_PORT)
                slot->shared = true;
        slot->users[a->pci.function] = user;
        return true;
}

static bool find_on_bus(const PciBus *bus, unsigned wants, unsigned function, Address *a)
{
        for (a->pci.slot = bus->first; a->pci.slot <= bus->last; a->pci.slot++) {
                const PciSlot *slot = &bus->slots[a->pci.slot];

                a->pci.function = function == PCI_ANY_FUNCTION ? 0 : function;
                if (!slot_is_used(slot))
                        return true;
                if (!(wants & PCI_ROOT_PORT) || !slot->shared)
                        continue;
                if (!slot->users[a->pci.function])
                        return true;
                if (function != PCI_ANY_FUNCTION)
                        continue;
                for (; a->pci.function < PCI_FUNCTIONS; a->pci.function++)
                        if (!slot->users[a->pci.function])
                                return true;
        }
        return false;
}

bool pci_take_next(PciBuses *b, unsigned wants, const Device *user, unsigned function, Address *ret)
{
        Address a = { .type = ADDRESS_PCI };
        bool found = false;

        for (; a.pci.bus < b->n; a.pci.bus++)
                if (!misfit(&b->buses[a.pci.bus], a.pci.bus, wants, false) &&
                    find_on_bus(&b->buses[a.pci.bus], wants, function, &a)) {
                        found = true;
                        break;
                }
        if (!found) {
                a.pci.function = function == PCI_ANY_FUNCTION ? 0 : function;
                a.pci.slot = 0;
                if (b->n == 0)
                        return complain(b, user, NULL, "this machine type has no PCI bus");
                if (!b->growing)
                        return complain(b, user, NULL, "no PCI slot is free; add a <controller type='pci'>");
                if (!grow(b, &a, wants, user))
                        return false;
                a.pci.slot = b->buses[a.pci.bus].first;
        }
        if (!pci_buses_take(b, &a, wants, user, false))
                return false;
        *ret = a;
        return true;
}
