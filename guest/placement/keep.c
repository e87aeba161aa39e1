/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest's devices are placed together, so one device more would move others. The operating system of a
 * guest that runs does not survive that, and one that is started again finds its devices elsewhere. The same
 * holds for controllers that are only there because devices need them.
 */

#include "guest/placement/keep.h"

#include <errno.h>
#include <stdlib.h>

#include "guest/place/address.h"
#include "guest/place/controller.h"

struct KeptAddress {
        const DeviceKind *kind;
        unsigned index;    /* among the devices of its element; of a controller, its own */
        unsigned function; /* of a USB controller that shares its index with others */
        bool controller;
        ControllerType type;
        PciModel model;
        Address address;
};

static KeptAddress describe(const Device *d)
{
        KeptAddress k = { .kind = d->kind, .index = d->index, .address = d->address };
        const Controller *c = controller_of((Device *) d, &k.type);

        if (!c)
                return k;
        k.controller = true;
        k.index = (unsigned) c->index.value;
        k.function = c->function;
        k.model = c->pci_model;
        return k;
}

int kept_addresses_of(const Guest *g, KeptAddresses *ret)
{
        KeptAddress *items = calloc(g->n_devices + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        *ret = (KeptAddresses){ .items = items };
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->address.type != ADDRESS_NONE)
                        items[ret->count++] = describe(g->devices[i]);
        return 0;
}

void kept_addresses_done(KeptAddresses *kept)
{
        free(kept->items);
        *kept = (KeptAddresses){ 0 };
}

static bool is_addition(const Device *d)
{
        return d->xml && d->xml->fragment && !d->xml->instead_of;
}

static const KeptAddress *find(const KeptAddresses *kept, const Device *d)
{
        KeptAddress wanted = describe(d);

        for (size_t i = 0; i < kept->count; i++) {
                const KeptAddress *k = &kept->items[i];

                if (streq(k->kind->element, d->kind->element) && k->controller == wanted.controller &&
                    k->type == wanted.type && k->index == wanted.index && k->function == wanted.function)
                        return k;
        }
        return NULL;
}

/* A disk's unit follows from its name. */
static bool is_vacant(const Device *d)
{
        if (d->bus == BUS_NONE || (d->bus == BUS_DRIVE && d->drive_index.set))
                return false;
        return d->address.type == ADDRESS_NONE || address_is_vacant(&d->address);
}

void kept_addresses_apply(Guest *g)
{
        const KeptAddresses *kept = g->kept;

        for (size_t i = 0; kept && i < kept->count; i++) {
                const KeptAddress *k = &kept->items[i];

                if (k->controller && !(k->type == CONTROLLER_USB && k->function > 0) &&
                    !controller_imply(g, k->type, k->index, k->model))
                        return;
        }
        for (size_t i = 0; kept && i < g->n_devices; i++) {
                Device *d = g->devices[i];
                const KeptAddress *k = is_vacant(d) && !is_addition(d) ? find(kept, d) : NULL;

                if (k)
                        d->address = k->address;
        }
}
