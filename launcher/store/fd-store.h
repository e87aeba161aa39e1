/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd's store of descriptors, from which `run` gets what prepare opened. */

#include <stdbool.h>
#include <stddef.h>

#include "util/text.h"

typedef struct StoreItem {
        char *name;
        int fd;
} StoreItem;

/* Has systemd keep the descriptor by that name, or with -EBADF remove what has it. Logged. */
typedef int (*StoreTell)(const char *name, int fd, void *userdata);

/* What is to be stored, all at once and last, so that a start that fails leaves nothing there. */
typedef struct Store {
        StoreItem *items;
        size_t count;
        StoreTell tell; /* NULL: systemd itself is told, which takes a process of the guest's unit */
        void *userdata;
} Store;

void store_done(Store *store); /* closes what it has; what is in systemd's store stays there */

/* Whether a name is one that systemd takes and that cannot be taken for anything else in a message to it. */
bool store_name_is_valid(const char *name);

/* Takes the descriptor and the name (NULL: memory ran out), also on failure. Logged. */
int store_add(Store *store, char *name, int fd);

/* The one that tells systemd itself. */
int store_tell(const char *name, int fd, void *userdata);

/* Removes a descriptor from systemd's store at once; also for a name that is not there. Logged. */
int store_remove(const Store *store, const char *name);

/* Stores all, in place of what is there under their names. After a failure nothing of it is in systemd's
 * store. Logged. */
int store_send(Store *store);
