/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Finds a file that was handed out, even if it was renamed or its filesystem changed its number. Open this
 * to change how such a file is recognized; restore.c uses it to give files back.
 */

#include "launcher/errand/path.h"
#include "launcher/ledger/ledger.h"

typedef enum Place {
        PLACE_FOUND,
        PLACE_GONE,    /* it no longer exists */
        PLACE_TAKEN,   /* another file is at its path */
        PLACE_UNKNOWN, /* it may reappear */
} Place;

/*
 * Sets fd and st of `walk` if the file is found. rebooted means that the record is from an earlier boot.
 * Fails if the file at the path cannot be examined.
 */
int find_file(const Record *record, bool rebooted, Walk *walk, Place *ret);
