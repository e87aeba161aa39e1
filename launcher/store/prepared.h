/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What prepare stored, noted for its next run: systemd's store outlives a restart, and nobody can ask what
 * is in it. */

#include <stdint.h>

#include "launcher/errand/errand.h"
#include "util/text.h"

#define PREPARED_NAME "prepared"

/* A TAP that is in the store. */
typedef struct PreparedTap {
        const char *id; /* what its descriptors are named by */
        const char *interface;
        unsigned index; /* of the interface, which no later one of that name has */
        unsigned queues;
        uint8_t mac[6]; /* that it was asked for with */
} PreparedTap;

typedef struct Prepared {
        PreparedTap *taps;
        size_t n_taps;
        Strings names; /* of all that is in the store, a TAP's too */
} Prepared;

void prepared_done(Prepared *note);

/* The note is the guest's user's own file: who forges it misleads itself, and gets nothing else than its own
 * descriptors. */
int prepared_parse(const char *data, size_t size, Prepared *ret);           /* -EBADMSG, -ENOMEM */
int prepared_add_tap(Prepared *note, const PreparedTap *tap);               /* copies its texts */
const PreparedTap *prepared_find_tap(const Prepared *note, const char *id); /* NULL where it is not there */

/* The note as the guest's user itself reads it; -ENOENT where there is none. */
int prepared_load(const char *directory, Prepared *ret);

/* In the guest's run-time directory. No note, or one that makes no sense, is an empty note. */
int prepared_read(Errand *errand, const GuestUser *user, Prepared *ret);
int prepared_write(Errand *errand, const GuestUser *user, const Prepared *note); /* logged */
