/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <os><boot dev='…'/> names classes of devices, <boot order='…'/> names devices; a guest uses one or the
 * other. As in libvirt, only the first device of a class is bootable: a second disk is not tried.
 */

#include "guest/place/boot.h"

#include "guest/guest.h"
#include "guest/machine/os.h"

static bool has_orders(const Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->boot_order.set)
                        return true;
        return false;
}

static void assign_orders(Guest *g)
{
        for (size_t i = 0; i < g->n_devices; i++) {
                Device *d = g->devices[i];

                if (!d->boot_order.set)
                        continue;
                d->boot_index = d->boot_order;
                if (g->os->n_boot > 0)
                        device_error(
                                g, d, "<boot>: order='…' cannot be combined with <boot dev='…'/> in <os>");
                for (size_t j = 0; j < i; j++) {
                        const Device *other = g->devices[j];

                        if (other->boot_order.set && other->boot_order.value == d->boot_order.value)
                                device_error(
                                        g, d, "<boot>: the <%s> in line %u already has this order",
                                        other->kind->element, other->place.line);
                }
        }
}

static void assign_class(Guest *g, BootClass class, uint64_t index)
{
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->boot_class == class) {
                        g->devices[i]->boot_index = (Number){ index, true };
                        return;
                }
}

void boot_order_assign(Guest *g)
{
        const Os *os = g->os;

        if (has_orders(g)) {
                assign_orders(g);
                return;
        }
        if (os->n_boot == 0)
                assign_class(g, BOOT_CLASS_DISK, 1);
        /* if a class is named twice, its last position counts */
        for (unsigned i = 0; i < os->n_boot; i++)
                assign_class(g, os->boot[i], i + 1);
}
