/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What only one of the scope's running guests may have: its UUID, MAC addresses, vsock CID. */

#include <stdbool.h>

#include "contract/line/colon.h"

typedef struct ClaimList {
        Claim *items;
        size_t count;
} ClaimList;

/*
 * Claims all of them for the guest, in place of what it had claimed before. Call this while the guest's
 * runtime directory exists. run: the scope's directory of runtime files. is_on: whether a guest's unit is
 * on; asked only of one that seems to have a claim. max_guests: how many may be on, this one included; 0 for
 * any number. -EBUSY if a guest that is on has one of them, or too many are on; nothing is claimed then.
 * Failures are logged.
 */
int claims_take(
        const char *run, const char *guest, const ClaimList *claims, unsigned max_guests,
        bool (*is_on)(const char *guest));

/* The same for a guest that is on and keeps what it has claimed; after a failure it has no more than before.
 */
int claims_add(
        const char *run, const char *guest, const ClaimList *claims, bool (*is_on)(const char *guest));
