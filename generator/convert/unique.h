/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* No two guests of a scope may share a UUID or a MAC address: machined and the network tell guests apart by
 * them. */

#include "generator/convert/convert.h"
#include "generator/convert/find.h"

typedef struct Unique {
        void *tree; /* of tsearch(3), by value */
} Unique;

void unique_done(Unique *u);

/*
 * Records the guest's UUID and MAC addresses. If an earlier guest has one of them, this conversion fails
 * with -EINVAL (also in c->status). 0, -ENOMEM.
 */
int unique_check(Unique *u, Conversion *c, const GuestFile *file);
