/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What QEMU gets when it starts: its final command line, and its descriptors. */

#include "launcher/run/run-options.h"
#include "launcher/store/fds.h"

typedef struct QemuStart {
        Strings argv;
        Placement *placements;
        size_t count;
        int highest;   /* the highest number of a descriptor in QEMU */
        int monitor;   /* our ends of the socketpairs; to be taken */
        int *consoles; /* one for each of the options' */
        int *passts;   /* likewise; -1 if the host has no passt and QEMU's own network is used */
        int *theirs;   /* QEMU's ends, and sockets that it listens on; owned until QEMU is started */
        size_t n_consoles, n_passts, n_theirs;
        bool private_network;
        bool peers; /* see RunOptions; QEMU's own user network has some, too */
} QemuStart;

/* directory: the guest's runtime directory, or NULL. Logs errors. The store keeps its descriptors. */
int qemu_start_prepare(QemuStart *ret, const RunOptions *options, const char *directory, Fds *store);
void qemu_start_done(QemuStart *h);

/* To be called once QEMU is started: closes our copies of its ends, so that its exit is noticed. */
void qemu_start_given(QemuStart *h);
