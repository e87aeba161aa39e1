/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All that QEMU is handed at its start: its command line as this start needs it, and descriptors. */

#include "launcher/run/run-options.h"
#include "launcher/store/fds.h"

typedef struct QemuStart {
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
} QemuStart;

/* Mistakes are logged. The descriptors of the store stay its own. */
int qemu_start_prepare(QemuStart *ret, const RunOptions *options, Fds *store);
void qemu_start_done(QemuStart *h);

/* QEMU has its ends now: closes ours of them, so that its end shows. */
void qemu_start_given(QemuStart *h);
