/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images of a guest that is off, which a QEMU without a guest changes. */

#include "cli/change/apply.h"
#include "operate/layers.h"

typedef struct OfflineJob {
        const ChangeCall *change;
        const char *target;
        const ChainImage *chain; /* all of it, the newest first */
        size_t n;
        bool pull;           /* the newest gets the next `count` ones; otherwise: */
        size_t first, count; /* these are written into the one behind them */

        /* Changes the definition, while QEMU still has the images locked; 0 or the exit status. */
        int (*define)(void *userdata);
        void *userdata; /* its own */
} OfflineJob;

/* Prints its own error messages, and progress on a terminal; 0 or the exit status. Wherever this ends, the
 * disk has the same contents as before. */
int offline_run(const OfflineJob *j);
