/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All that QEMU is handed at its start: its command line as this start needs it, and descriptors. */

#include "launcher/fds.h"
#include "launcher/run-options.h"

typedef struct Handover {
        Strings argv;
        Placement *placements;
        size_t count;
        int highest;   /* number that QEMU gets a descriptor as */
        int monitor;   /* our ends of what is made here; to be taken */
        int *consoles; /* one for each of the options' */
        int *passts;   /* likewise; -1 where the host has none and QEMU is its own */
        int *theirs;   /* QEMU's ends, owned until it has them */
        size_t n_consoles, n_passts, n_theirs;
        bool private_network;
} Handover;

/* Mistakes are logged. The descriptors of the store stay its own. */
int handover_prepare(Handover *ret, const RunOptions *options, Fds *store);
void handover_done(Handover *h);

/* QEMU has its ends now: closes ours of them, so that its end shows. */
void handover_given(Handover *h);
