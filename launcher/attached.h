/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Somebody at a guest's console: gets what it prints, and types. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "util/ownership.h"

#define ATTACHED_TURN 1024 /* bytes of typing that come at once, at most */

typedef struct Attached Attached;

typedef struct AttachedHandlers {
        void (*typed)(const char *data, size_t size, void *userdata);
        void (*left)(Attached *a, void *userdata); /* the last call; he is freed then */
} AttachedHandlers;

/* Takes the descriptor, also on failure. */
int attached_new(sd_event *event, int fd, const AttachedHandlers *handlers, void *userdata, Attached **ret);
Attached *attached_free(Attached *a); /* returns NULL */

/* Shows him data, now or when he reads. False when too much waits: he is to be freed. */
bool attached_show(Attached *a, const char *data, size_t size);

/* Whether his typing is read; not while the guest is slow to read it. */
void attached_listen(Attached *a, bool listen);

DEFINE_CLEANUP(Attached, attached_free);
