/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* No two guests of a scope may have one UUID or one MAC: machined
 * and the network tell guests apart by them. */

#include "generator/convert/convert.h"
#include "generator/convert/find.h"

typedef struct Unique {
        void *tree; /* of tsearch(3), by value */
} Unique;

void unique_done(Unique *u);

/*
 * Notes the guest's UUID and MACs. One that an earlier guest has becomes an error of this one's conversion:
 * -EINVAL (also in c->status). 0, -ENOMEM.
 */
int unique_check(Unique *u, Conversion *c, const GuestFile *file);
