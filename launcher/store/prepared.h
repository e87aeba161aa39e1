/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The list of what was opened for the guest, for its next start: systemd's store survives a restart, and
 * systemd does not tell what is in it. Open this to remember one more fact about a stored descriptor, or to
 * tell run something about its unit that it cannot ask in its sandbox.
 */

#include <stdint.h>

#include "launcher/errand/errand.h"
#include "util/text.h"

#define PREPARED_NAME "prepared"

/* A TAP that is in the store. */
typedef struct PreparedTap {
        const char *id; /* part of its descriptors' names */
        const char *interface;
        unsigned index; /* of the interface; the kernel does not reuse it */
        unsigned queues;
        uint8_t mac[6]; /* the MAC address that was requested */
} PreparedTap;

typedef struct Prepared {
        PreparedTap *taps;
        size_t n_taps;
        Strings names;      /* of everything in the store, including TAPs */
        uint64_t stop_usec; /* TimeoutStopSec= of the unit; UINT64_MAX for infinity, 0 if not known */
} Prepared;

void prepared_done(Prepared *prepared);

/*
 * The file belongs to the guest's user: by forging it, that user can only affect descriptors of its own
 * guest.
 */
int prepared_parse(const char *data, size_t size, Prepared *ret);               /* -EBADMSG, -ENOMEM */
int prepared_add_tap(Prepared *prepared, const PreparedTap *tap);               /* copies the texts */
const PreparedTap *prepared_find_tap(const Prepared *prepared, const char *id); /* NULL if there is none */

/* The list, read by a process that is the guest's user already; -ENOENT if there is none. */
int prepared_load(const char *directory, Prepared *ret);

/* The list in the guest's runtime directory. If it does not exist or is invalid, it is empty. */
int prepared_read(Errand *errand, const GuestUser *user, Prepared *ret);
int prepared_write(Errand *errand, const GuestUser *user, const Prepared *prepared); /* logged */
