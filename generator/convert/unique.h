/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What guests of a scope have in common and only one of them can have while it runs: a UUID, a MAC address,
 * a vsock CID. */

#include "generator/convert/convert.h"
#include "generator/convert/find.h"

typedef struct Unique {
        void *tree; /* of tsearch(3), by claim */
} Unique;

void unique_done(Unique *u);

/*
 * Notes that the guest of that file, which is borrowed, has this. *ret_other: the first guest that has it as
 * well, NULL if there is none. 0, -ENOMEM.
 */
int unique_add(Unique *u, const Claim *claim, const GuestFile *file, const GuestFile **ret_other);

/* The guest that has it, or NULL. */
const GuestFile *unique_find(const Unique *u, const Claim *claim);

/*
 * Adds all that a converted guest has. If an earlier guest has its UUID, and this one does not run, the
 * conversion fails with -EINVAL (also in c->status); all else in common is a warning. Guests must be added
 * from the oldest file to the newest. 0, -EINVAL, -ENOMEM.
 */
int unique_check(Unique *u, Conversion *c, const GuestFile *file);
