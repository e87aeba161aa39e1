/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The capabilities of a system guest's helper: the generator writes them into its unit, and the helper keeps
 * no others once it begins, and none that it does not need.
 */

#include <stdbool.h>
#include <stdint.h>

/* What a guest needs from outside its sandbox. */
typedef struct RightsNeeded {
        bool network;      /* a TAP, or the address of a network card's virtual function */
        bool macvtap;      /* a TAP of that kind */
        bool files;        /* a file or device of the host's */
        bool grants;       /* one that gets another owner or access control list */
        bool others_files; /* one that is created in another user's directory, or opened for writing whoever
                              owns it */
} RightsNeeded;

/* A bit 1 << CAP_… for each. */
uint64_t rights_needed(const RightsNeeded *needed);

/* "CAP_CHOWN CAP_FOWNER", as units have it; "" for none, NULL if memory runs out. */
char *rights_text(uint64_t rights);
