/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every USB controller is the root of a tree of ports and hubs. Hubs get their ports first, then the other
 * devices kind by kind; if there are too few ports, hubs are added. As in libvirt, a device takes
 * the first free port of its bus, looking into hubs only when the level above is full.
 */

#include "guest/placement/place-usb.h"

#include <errno.h>

#include "guest/guest.h"
#include "guest/place/address.h"
#include "guest/place/controller.h"

#define USB_BUSES_MAX (CONTROLLER_INDEX_MAX + 1)

typedef struct UsbHub UsbHub;
struct UsbHub {
        unsigned n;
        struct {
                const Device *user;
                UsbHub *hub; /* if the user is a hub */
        } ports[];
};

typedef struct UsbBuses {
        Guest *guest;
        UsbHub *buses[USB_BUSES_MAX];
} UsbBuses;

/* The order in which devices get their ports, after the hubs. */
static const char *const order[] = { "disk",       "interface", "sound", "hostdev",
                                     "controller", "serial",    "input", "redirdev" };

static UsbHub *hub_free(UsbHub *hub)
{
        if (!hub)
                return NULL;
        for (unsigned i = 0; i < hub->n; i++)
                hub_free(hub->ports[i].hub);
        free(hub);
        return NULL;
}

static UsbHub *hub_new(Guest *g, unsigned n)
{
        UsbHub *hub = calloc(1, sizeof(*hub) + n * sizeof(hub->ports[0]));

        if (!hub) {
                g->status = -ENOMEM;
                return NULL;
        }
        hub->n = n;
        return hub;
}

static bool is_hub(const Device *d)
{
        return streq(d->kind->element, "hub");
}

static bool is_placed(const Device *d)
{
        return d->address.type == ADDRESS_USB && d->address.usb.port[0] != 0;
}

/* Reserves the port in the device's address; a hub adds its own ports there. */
static void take(UsbBuses *u, Device *d)
{
        const Address *a = &d->address;
        UsbHub *hub = a->usb.bus < USB_BUSES_MAX ? u->buses[a->usb.bus] : NULL;
        unsigned depth = 0, port;

        if (!hub) {
                device_error(
                        u->guest, d,
                        "<%s>: USB bus %u does not exist; add a <controller type='usb'> with this index",
                        d->kind->element, a->usb.bus);
                return;
        }
        for (; depth + 1 < USB_PORT_DEPTH && a->usb.port[depth + 1] != 0; depth++) {
                port = a->usb.port[depth];
                if (port > hub->n || !hub->ports[port - 1].hub) {
                        device_error(
                                u->guest, d, "<%s>: %s: number %u of this port is not a hub",
                                d->kind->element, address_text(u->guest, a), depth + 1);
                        return;
                }
                hub = hub->ports[port - 1].hub;
        }
        port = a->usb.port[depth];
        if (port > hub->n) {
                device_error(
                        u->guest, d, "<%s>: %s: only ports 1 to %u exist", d->kind->element,
                        address_text(u->guest, a), hub->n);
                return;
        }
        if (hub->ports[port - 1].user) {
                const Device *other = hub->ports[port - 1].user;

                device_error(
                        u->guest, d, "<%s>: %s is already used by the <%s> in line %u", d->kind->element,
                        address_text(u->guest, a), other->kind->element, other->place.line);
                return;
        }
        hub->ports[port - 1].user = d;
        if (is_hub(d))
                hub->ports[port - 1].hub = hub_new(u->guest, USB_HUB_PORTS);
}

static bool find_port(const UsbHub *hub, unsigned depth, Address *a)
{
        for (unsigned i = 0; i < hub->n; i++)
                if (!hub->ports[i].user) {
                        a->usb.port[depth] = i + 1;
                        return true;
                }
        if (depth + 1 == USB_PORT_DEPTH)
                return false;
        for (unsigned i = 0; i < hub->n; i++)
                if (hub->ports[i].hub && find_port(hub->ports[i].hub, depth + 1, a)) {
                        a->usb.port[depth] = i + 1;
                        return true;
                }
        return false;
}

static void place(UsbBuses *u, Device *d)
{
        Address a = { .type = ADDRESS_USB };
        unsigned first = 0, last = USB_BUSES_MAX - 1;

        if (d->address.type == ADDRESS_USB) {
                first = last = d->address.usb.bus;
                if (!u->buses[first]) {
                        device_error(
                                u->guest, d,
                                "<%s>: USB bus %u does not exist; add a <controller type='usb'> with this "
                                "index",
                                d->kind->element, first);
                        return;
                }
        }
        for (unsigned bus = first; bus <= last; bus++)
                if (u->buses[bus] && find_port(u->buses[bus], 0, &a)) {
                        a.usb.bus = bus;
                        d->address = a;
                        take(u, d);
                        return;
                }
        device_error(
                u->guest, d,
                "<%s>: no USB port is free; add a <hub type='usb'/> or a <controller type='usb'>",
                d->kind->element);
}

/* False if the guest has no USB; devices that require it are errors then. */
static bool check_enabled(Guest *g)
{
        bool enabled = false, disabled = false;

        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_USB, c) {
                enabled = enabled || !c->disabled;
                disabled = disabled || c->disabled;
        }
        if (enabled)
                return true;
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->bus == BUS_USB)
                        device_error(
                                g, g->devices[i], "<%s>: requires USB%s", g->devices[i]->kind->element,
                                disabled ? ", but <controller type='usb' model='none'/> turns it off"
                                         : " controller");
        return false;
}

/* One hub in a port gives seven more. */
static void add_hubs(Guest *g)
{
        const DeviceKind *const *k = g->kinds;
        unsigned ports = 0, devices = 0, hubs;

        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_USB, c)
                ports += c->ports;
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->bus == BUS_USB) {
                        devices++;
                        if (is_hub(g->devices[i]))
                                ports += USB_HUB_PORTS;
                }
        if (devices <= ports)
                return;
        hubs = (devices - ports + 1 + USB_HUB_PORTS - 2) / (USB_HUB_PORTS - 1);
        while (*k && !streq((*k)->element, "hub"))
                k++;
        for (; *k && hubs > 0; hubs--) {
                Device *d = guest_add_device(g, *k);

                if (!d)
                        return;
                d->kind->complete(g, d);
        }
}

static void place_kind(UsbBuses *u, const char *element)
{
        for (size_t i = 0; i < u->guest->n_devices; i++) {
                Device *d = u->guest->devices[i];

                if (d->bus == BUS_USB && !is_placed(d) && (!element || streq(d->kind->element, element)))
                        place(u, d);
        }
}

void place_usb(Guest *g)
{
        UsbBuses u = { .guest = g };

        if (!check_enabled(g))
                return;
        add_hubs(g);
        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_USB, c)
                if (c->ports > 0 && !u.buses[c->index.value])
                        u.buses[c->index.value] = hub_new(g, c->ports);
        /* a hub's port exists only once the hub does, so hubs come first */
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->bus == BUS_USB && is_hub(g->devices[i]) && is_placed(g->devices[i]))
                        take(&u, g->devices[i]);
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->bus == BUS_USB && !is_hub(g->devices[i]) && is_placed(g->devices[i]))
                        take(&u, g->devices[i]);
        place_kind(&u, "hub");
        for (size_t i = 0; i < ELEMENTS(order); i++)
                place_kind(&u, order[i]);
        place_kind(&u, NULL);
        for (unsigned i = 0; i < USB_BUSES_MAX; i++)
                u.buses[i] = hub_free(u.buses[i]);
}
