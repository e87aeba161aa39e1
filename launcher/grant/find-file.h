/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a file is by now that was handed out. */

#include "launcher/errand/path.h"
#include "launcher/ledger/ledger.h"

typedef enum Place {
        PLACE_FOUND,
        PLACE_GONE,    /* it is no more */
        PLACE_TAKEN,   /* another file is where it was */
        PLACE_UNKNOWN, /* it may turn up */
} Place;

/*
 * Of `walk` fd and st are set where it is found. rebooted: the record is of an earlier boot of the host's.
 * Fails where what is at the path cannot be looked at.
 */
int find_file(const Record *record, bool rebooted, Walk *walk, Place *ret);
