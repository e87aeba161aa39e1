/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Values that follow from the name alone would be the same on every host: two guests with one MAC address in
 * one network, or two with one UUID in one inventory. The key is derived from the host's machine ID and the
 * user, or is random while a guest is defined (generator/convert/host.h).
 */

#include "guest/identity.h"

#include <errno.h>
#include <stdlib.h>

#include "guest/keyed-hash.h"
#include "guest/xml/edit.h"
#include "util/text.h"

uint64_t identity_derive(Guest *g, const char *kind, unsigned index)
{
        /* the instance stands for the name, and contains no blanks */
        _cleanup_(freep) char *text = text_format("%s %u %s", kind, index, g->settings->instance);

        if (!text) {
                g->status = -ENOMEM;
                return 0;
        }
        return keyed_hash(g->settings->identity_key, text, strlen(text));
}

static void warn(Guest *g, const Identity *i)
{
        _cleanup_(freep) char *element = xml_edit_element(i->path, i->value);

        guest_warning(
                g, i->element->place,
                "<%s>: %s is missing, and was derived from the guest's name, this host and its user; write "
                "it into the file, or run: vmctl define '%s'",
                i->element->name, element ?: i->path, g->file);
}

void identity_add(Guest *g, Identity identity)
{
        Identity *grown = reallocarray(g->identities, g->n_identities + 1, sizeof(*grown));

        if (!grown) {
                g->status = -ENOMEM;
                return;
        }
        g->identities = grown;
        g->identities[g->n_identities++] = identity;
        if (identity.missing && !identity.quiet && g->settings->in_place)
                warn(g, &identity);
}

const char *identity_find(const Guest *g, const char *kind, unsigned index)
{
        for (size_t i = 0; i < g->n_identities; i++)
                if (streq(g->identities[i].kind, kind) && g->identities[i].index == index)
                        return g->identities[i].value;
        return NULL;
}
