/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What there is of a guest beside its XML: state, settings of its units, fragments. */

#include "generator/convert/host.h"
#include "util/text.h"

/*
 * Finds all of them that exist, as pairs of paths: what it is, and what it would be for the guest new_name.
 * Both names are valid. What is in a directory comes before it, and the state last. 0 or negative errno.
 */
int places_find(
        const Host *host, const char *name, const char *new_name, Strings *ret_from, Strings *ret_to);
