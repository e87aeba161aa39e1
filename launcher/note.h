/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What prepare stored, noted for its next run: systemd's store outlives a restart, and nobody can ask what
 * is in it. */

#include <stdint.h>

#include "launcher/errand.h"
#include "util/text.h"

#define NOTE_NAME "prepared"

/* A TAP that is in the store. */
typedef struct NotedTap {
        const char *id; /* what its descriptors are named by */
        const char *interface;
        unsigned index; /* of the interface, which no later one of that name has */
        unsigned queues;
        uint8_t mac[6]; /* that it was asked for with */
} NotedTap;

typedef struct Note {
        NotedTap *taps;
        size_t n_taps;
        Strings names; /* of all that is in the store, a TAP's too */
} Note;

void note_done(Note *note);

/* The note is the guest's user's own file: who forges it misleads itself, and gets nothing else than its own
 * descriptors. */
int note_parse(const char *data, size_t size, Note *ret);        /* -EBADMSG, -ENOMEM */
int note_add_tap(Note *note, const NotedTap *tap);               /* copies its texts */
const NotedTap *note_find_tap(const Note *note, const char *id); /* NULL where it is not there */

/* The note as the guest's user itself reads it; -ENOENT where there is none. */
int note_load(const char *directory, Note *ret);

/* In the guest's run-time directory. No note, or one that makes no sense, is an empty note. */
int note_read(Errand *errand, const GuestUser *user, Note *ret);
int note_write(Errand *errand, const GuestUser *user, const Note *note); /* logged */
