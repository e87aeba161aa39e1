/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Port 0 of a virtio-serial controller is for consoles. A console without an address in the XML gets no
 * port here; one stays free for it, and QEMU chooses that one. libvirt's guests look like this.
 */

#include "guest/placement/place-serial.h"

#include <errno.h>

#include "guest/guest.h"
#include "guest/place/address.h"
#include "guest/place/controller.h"

/* A bit for each port of each controller. */
typedef struct Ports {
        uint8_t used[CONTROLLER_INDEX_MAX + 1][VIRTIO_SERIAL_PORTS_MAX / 8 + 1];
} Ports;

static bool is_used(const Ports *p, unsigned controller, unsigned port)
{
        return p->used[controller][port / 8] & 1U << port % 8;
}

static void use(Ports *p, unsigned controller, unsigned port)
{
        p->used[controller][port / 8] |= (uint8_t) (1U << port % 8);
}

static bool is_port(const Device *d)
{
        return d->bus == BUS_VIRTIO_SERIAL;
}

static bool is_console(const Device *d)
{
        return streq(d->kind->element, "console");
}

static bool is_placed(const Device *d)
{
        return is_port(d) && d->address.type == ADDRESS_VIRTIO_SERIAL &&
               (d->address.serial.port != 0 || is_console(d));
}

static void place_card(Guest *g, Device *d)
{
        unsigned slot = 0;

        for (size_t i = 0; i < g->n_devices; i++) {
                const Address *a = &g->devices[i]->address;

                if (a->type == ADDRESS_CCID && a->ccid.controller == 0 && a->ccid.slot >= slot)
                        slot = a->ccid.slot + 1;
        }
        d->address = (Address){ .type = ADDRESS_CCID, .ccid = { .slot = slot } };
}

void place_serial_controllers(Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                const Device *d = g->devices[i];

                if (is_port(d))
                        controller_imply(
                                g, CONTROLLER_VIRTIO_SERIAL,
                                d->address.type == ADDRESS_VIRTIO_SERIAL ? d->address.serial.controller : 0,
                                PCI_NO_MODEL);
        }
        for (size_t i = 0; i < g->n_devices; i++) {
                Device *d = g->devices[i];

                if (d->bus != BUS_CCID)
                        continue;
                if (d->address.type == ADDRESS_NONE)
                        place_card(g, d);
                controller_imply(g, CONTROLLER_CCID, d->address.ccid.controller, PCI_NO_MODEL);
        }
}

/* Marks the port of the device's address as taken. */
static void take(Guest *g, Ports *p, const Device *d)
{
        const Address *a = &d->address;
        const Controller *c = controller_find(g, CONTROLLER_VIRTIO_SERIAL, a->serial.controller);

        if (!c || a->serial.port >= c->ports)
                device_error(g, d, "<%s>: %s does not exist", d->kind->element, address_text(g, a));
        else if (is_used(p, a->serial.controller, a->serial.port))
                device_error(g, d, "<%s>: %s is already in use", d->kind->element, address_text(g, a));
        else
                use(p, a->serial.controller, a->serial.port);
}

static bool find_port(const Ports *p, const Controller *c, unsigned first, Address *ret)
{
        for (unsigned port = first; port < c->ports; port++)
                if (!is_used(p, (unsigned) c->index.value, port)) {
                        *ret = (Address){ .type = ADDRESS_VIRTIO_SERIAL,
                                          .serial = { .controller = (unsigned) c->index.value,
                                                      .port = port } };
                        return true;
                }
        return false;
}

static void place(Guest *g, Ports *p, Device *d)
{
        bool anywhere = d->address.type == ADDRESS_NONE;
        unsigned first = is_console(d) ? 0 : 1, index = 0;
        bool found = false;
        Address a;

        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_VIRTIO_SERIAL, c)
                if (!found && (anywhere || c->index.value == d->address.serial.controller))
                        found = find_port(p, c, first, &a);
        while (!found && anywhere && controller_find(g, CONTROLLER_VIRTIO_SERIAL, index))
                index++;
        if (!found && anywhere && index <= CONTROLLER_INDEX_MAX) {
                const Controller *c = controller_imply(g, CONTROLLER_VIRTIO_SERIAL, index, PCI_NO_MODEL);

                found = c && find_port(p, c, first, &a);
        }
        if (!found) {
                device_error(
                        g, d, "<%s>: no port is free on any virtio-serial controller", d->kind->element);
                return;
        }
        use(p, a.serial.controller, a.serial.port);
        if (!is_console(d))
                d->address = a;
}

static void place_kind(Guest *g, Ports *p, bool consoles)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                Device *d = g->devices[i];

                if (is_port(d) && is_console(d) == consoles && !is_placed(d)) {
                        place(g, p, d);
                        i += g->devices[i] != d; /* a controller that was implied stands before it */
                }
        }
}

void place_serial_ports(Guest *g)
{
        _cleanup_(freep) Ports *p = calloc(1, sizeof(*p));

        if (!p) {
                g->status = -ENOMEM;
                return;
        }
        for (size_t i = 0; i < g->n_devices; i++)
                if (is_placed(g->devices[i]))
                        take(g, p, g->devices[i]);
        place_kind(g, p, true);
        place_kind(g, p, false);
}
