/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Cuts a stream of bytes into frames that each end with one byte: '\n' on QEMU's monitor, NUL on Varlink
 * sockets.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/ownership.h"

typedef struct Frames {
        char end;   /* set these two, zero the rest */
        size_t max; /* bytes of one frame, without its end */
        char *data;
        size_t size, room;
        size_t start;   /* where the next frame begins */
        size_t scanned; /* no end of a frame before this */
} Frames;

/*
 * Room to read into, at least one byte. To be called when frames_next() returns false. -EMSGSIZE if a frame
 * is longer than max, -ENOMEM.
 */
int frames_prepare(Frames *f, char **ret_room, size_t *ret_size);

/* size bytes were read into the room. */
void frames_received(Frames *f, size_t size);

/*
 * The next complete frame, terminated by NUL and valid until frames_prepare(); false if there is none.
 */
bool frames_next(Frames *f, char **ret_frame, size_t *ret_size);

void frames_done(Frames *f);
