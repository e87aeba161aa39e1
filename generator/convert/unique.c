/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvirt refuses a second guest with the same UUID when it is defined; files have no such moment, so it is
 * checked at each conversion of all guests. Values are compared without regard to case. Guests are added in
 * the order of their names: the first keeps a value.
 */

#include "generator/convert/unique.h"
#include "guest/machine/general.h"

#include <ctype.h>
#include <errno.h>
#include <search.h>

typedef struct UniqueEntry {
        char *value; /* "uuid c7a5…" or "mac 52:54:…" */
        char *path;  /* of the first guest that has it */
} UniqueEntry;

static int by_value(const void *a, const void *b)
{
        return strcmp(((const UniqueEntry *) a)->value, ((const UniqueEntry *) b)->value);
}

static void entry_free(void *p)
{
        UniqueEntry *e = p;

        free(e->value);
        free(e->path);
        free(e);
}

void unique_done(Unique *u)
{
        tdestroy(u->tree, entry_free);
        u->tree = NULL;
}

static int note(Unique *u, Conversion *c, const GuestFile *file, const char *what, const char *value)
{
        UniqueEntry *entry = calloc(1, sizeof(*entry)), **found;

        if (!entry)
                return -ENOMEM;
        entry->value = text_format("%s %s", what, value);
        entry->path = strdup(file->path);
        for (char *p = entry->value; p && *p; p++)
                *p = (char) tolower((unsigned char) *p);
        found = entry->value && entry->path ? tsearch(entry, &u->tree, by_value) : NULL;
        if (found && *found == entry)
                return 0;
        /* one guest may use a MAC address twice, as under libvirt */
        if (found && !streq((*found)->path, file->path)) {
                guest_error(
                        c->guest, c->guest->xml->place, "%s %s is already used by %s", what, value,
                        (*found)->path);
                c->status = -EINVAL;
        }
        entry_free(entry);
        return found ? 0 : -ENOMEM;
}

int unique_check(Unique *u, Conversion *c, const GuestFile *file)
{
        int r = note(u, c, file, "UUID", c->guest->general->uuid);

        for (size_t i = 0; r >= 0 && i < c->plan.macs.count; i++)
                r = note(u, c, file, "MAC", c->plan.macs.items[i]);
        if (r < 0)
                c->status = r;
        return c->status;
}
