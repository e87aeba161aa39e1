/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Collecting descriptors while a guest is prepared, and handing them on: the helper to the guest's launcher,
 * and that to systemd's store what is to outlive the start. Open this to hand on something; `run` finds it
 * with fds.h, and prepared.h is the list of what there is.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/text.h"

typedef struct StoreItem {
        char *name;
        int fd;
} StoreItem;

/*
 * Makes systemd keep the descriptor under that name, or with -EBADF remove that name. Failures are logged.
 */
typedef int (*StoreTell)(const char *name, int fd, void *userdata);

/*
 * Descriptors to be stored, all at once and last, so that a failed start leaves nothing in systemd's store.
 */
typedef struct Store {
        StoreItem *items;
        size_t count;
        StoreTell tell; /* NULL: systemd itself, which requires a process of the guest's unit */
        void *userdata;
} Store;

void store_done(Store *store); /* closes its descriptors; systemd's store is unchanged */

/* Whether systemd accepts a name, and it cannot be mistaken for another part of a message to systemd. */
bool store_name_is_valid(const char *name);

/*
 * Takes ownership of the descriptor and of the name (NULL for out of memory), also on failure. Failures are
 * logged.
 */
int store_add(Store *store, char *name, int fd);

/* The StoreTell function that sends to systemd. */
int store_tell(const char *name, int fd, void *userdata);

/* Removes a name from systemd's store immediately, whether it is there or not. Failures are logged. */
int store_remove(const Store *store, const char *name);

/*
 * Stores all of them, replacing what is stored under their names. After a failure none of them is in
 * systemd's store. Failures are logged.
 */
int store_send(Store *store);
