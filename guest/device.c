/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ids of devices: those that the XML chose stay, all others are the ones that libvirt would give. */

#include "guest/device.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest/guest.h"
#include "util/text.h"

void *device_as(const Device *d, size_t size)
{
        assert(!d || d->kind->size == size);
        return (void *) d;
}

void *device_as_head(const Device *d, const char *element)
{
        assert(!d || streq(d->kind->element, element));
        return (void *) d;
}

bool device_is_removed(const Device *d)
{
        return d->xml && d->xml->removed;
}

void device_set_id(Guest *g, Device *d, const char *format, ...)
{
        char *id;
        va_list ap;

        if (d->user_id)
                return;
        va_start(ap, format);
        if (vasprintf(&id, format, ap) < 0)
                id = NULL;
        va_end(ap);
        d->id = guest_text(g, "%s", id ?: "");
        free(id);
}

void device_set_next_id(Guest *g, Device *d, const char *prefix)
{
        unsigned next = 0, n;

        for (size_t i = 0; i < g->n_devices; i++) {
                const char *rest = g->devices[i]->id ? text_after(g->devices[i]->id, prefix) : NULL;

                if (rest && text_to_unsigned(rest, UINT32_MAX - 1, &n) >= 0 && n >= next)
                        next = n + 1;
        }
        device_set_id(g, d, "%s%u", prefix, next);
}
