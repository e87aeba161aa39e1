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
        size_t start;   /* where the first frame begins that was not handed out */
        size_t scanned; /* up to where there is no end of it */
} Frames;

/*
 * Where to read to, at least one byte. To be called when frames_next() has nothing more to give. -EMSGSIZE
 * when what is there of a frame is longer than one may be, -ENOMEM.
 */
int frames_prepare(Frames *f, char **ret_room, size_t *ret_size);

/* size bytes are there now. */
void frames_received(Frames *f, size_t size);

/*
 * The next whole frame, ended by a NUL in place of its end, valid until frames_prepare(); false where there
 * is none.
 */
bool frames_next(Frames *f, char **ret_frame, size_t *ret_size);

void frames_done(Frames *f);
