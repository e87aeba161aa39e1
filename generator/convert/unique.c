/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvirt refuses a second guest with the same UUID when it is defined; files have no such moment, so guests
 * are compared at each conversion of all of them. A copied file must never keep the original from starting,
 * so the older file has the right to a UUID. A guest that runs is not refused in any case: it must be able
 * to restart. Which of two guests runs is not known here before it is started, so prepare decides between
 * them (launcher/claim/claims.c); there, MAC addresses and vsock CIDs are refused, too.
 */

#include "generator/convert/unique.h"

#include <errno.h>
#include <search.h>

typedef struct UniqueEntry {
        Claim claim;
        const GuestFile *file; /* of the first guest that has it */
} UniqueEntry;

static int by_claim(const void *a, const void *b)
{
        const Claim *x = &((const UniqueEntry *) a)->claim, *y = &((const UniqueEntry *) b)->claim;

        return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind) : strcmp(x->value, y->value);
}

void unique_done(Unique *u)
{
        tdestroy(u->tree, free);
        u->tree = NULL;
}

int unique_add(Unique *u, const Claim *claim, const GuestFile *file, const GuestFile **ret_other)
{
        _cleanup_(freep) UniqueEntry *entry = malloc(sizeof(*entry));
        UniqueEntry **found;

        if (!entry)
                return -ENOMEM;
        *entry = (UniqueEntry){ *claim, file };
        found = tsearch(entry, &u->tree, by_claim);
        if (!found)
                return -ENOMEM;
        if (*found == entry)
                entry = NULL;
        *ret_other = streq((*found)->file->path, file->path) ? NULL : (*found)->file;
        return 0;
}

const GuestFile *unique_find(const Unique *u, const Claim *claim)
{
        UniqueEntry entry = { .claim = *claim }, **found = tfind(&entry, &u->tree, by_claim);

        return found ? (*found)->file : NULL;
}

static void report(Conversion *c, const PlanClaim *p, const GuestFile *file, const GuestFile *other)
{
        const char *name = claim_kind_name(p->claim.kind), *value = p->claim.value;

        if (p->claim.kind != CLAIM_UUID)
                guest_warning(
                        c->guest, p->place,
                        "%s %s is also used by guest %s (%s); only one of them can run at a time", name,
                        value, other->name, other->path);
        else if (file->running)
                guest_warning(
                        c->guest, p->place,
                        "%s %s is also used by guest %s (%s), whose file is older: once this guest is off, "
                        "it is refused. Give one of them another <uuid>, as made by uuidgen",
                        name, value, other->name, other->path);
        else {
                guest_error(
                        c->guest, p->place,
                        "%s %s is already used by guest %s (%s), whose file is older. Give this guest "
                        "another <uuid>, as made by uuidgen",
                        name, value, other->name, other->path);
                c->status = -EINVAL;
        }
}

int unique_check(Unique *u, Conversion *c, const GuestFile *file)
{
        for (size_t i = 0; i < c->plan.n_claims; i++) {
                const GuestFile *other;
                int r = unique_add(u, &c->plan.claims[i].claim, file, &other);

                if (r < 0)
                        return c->status = r;
                if (other)
                        report(c, &c->plan.claims[i], file, other);
        }
        return c->status;
}
