/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest as an object: it owns its XML, its devices, its parts, and the memory that they allocate. */

#include "guest/guest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

Guest *guest_new(
        const char *file, const DeviceKind *const *kinds, const Settings *settings, Findings *findings)
{
        Guest *g = calloc(1, sizeof(*g));

        if (!g)
                return NULL;
        g->file = file;
        g->kinds = kinds;
        g->settings = settings;
        g->findings = findings;
        return g;
}

Guest *guest_free(Guest *g)
{
        if (!g)
                return NULL;
        for (size_t i = 0; i < g->n_devices; i++)
                free(g->devices[i]);
        free(g->devices);
        free(g->identities);
        strings_done(&g->texts);
        g->xml = xml_free(g->xml);
        free(g);
        return NULL;
}

const char *guest_text(Guest *g, const char *format, ...)
{
        char *text;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (strings_take(&g->texts, text) < 0) {
                g->status = -ENOMEM;
                return "";
        }
        return text;
}

void *guest_zeroed(Guest *g, size_t count, size_t size)
{
        void *memory = calloc(count, size);

        if (strings_take(&g->texts, memory) < 0) {
                g->status = -ENOMEM;
                return NULL;
        }
        return memory;
}

Device *guest_add_device(Guest *g, const DeviceKind *kind)
{
        Device **grown, *d = calloc(1, kind->size);

        grown = d ? reallocarray(g->devices, g->n_devices + 1, sizeof(*grown)) : NULL;
        if (!grown) {
                free(d);
                g->status = -ENOMEM;
                return NULL;
        }
        g->devices = grown;
        d->kind = kind;
        d->place = g->devices_place;
        for (size_t i = 0; i < g->n_devices; i++)
                if (streq(g->devices[i]->kind->element, kind->element))
                        d->index++;
        g->devices[g->n_devices++] = d;
        return d;
}

Device *guest_find_device(const Guest *g, const DeviceKind *kind, size_t *i)
{
        while (*i < g->n_devices) {
                Device *d = g->devices[(*i)++];

                if (!kind || d->kind == kind)
                        return d;
        }
        return NULL;
}
