/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Addresses that devices keep, whatever fragments (generator/convert/fragments.h) add to the guest or remove
 * from it: those that they have without the fragments.
 */

#include "guest/guest.h"

typedef struct KeptAddress KeptAddress;

struct KeptAddresses {
        KeptAddress *items;
        size_t count;
};

/* Of all devices of a guest that have been placed. 0 or -ENOMEM. */
int kept_addresses_of(const Guest *g, KeptAddresses *ret);
void kept_addresses_done(KeptAddresses *kept);

/* Adds the controllers that were implied there, and gives addresses to devices that have none yet. Called
 * before any device is placed. */
void kept_addresses_apply(Guest *g);
