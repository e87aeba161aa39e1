/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Splits a stream into messages. The peer (QEMU, a client of the control socket) is not trusted: it may send
 * a frame that never ends, or one byte at a time. So frames have a maximum size, and no byte is searched
 * twice for the end.
 */

#include "launcher/stream/frames.h"

#include <errno.h>
#include <string.h>

#define FRAMES_READ_SIZE 4096

int frames_prepare(Frames *f, char **ret_room, size_t *ret_size)
{
        if (f->start > 0) {
                memmove(f->data, f->data + f->start, f->size - f->start);
                f->size -= f->start;
                f->scanned -= f->start;
                f->start = 0;
        }
        if (f->size > f->max)
                return -EMSGSIZE;
        if (f->room - f->size < FRAMES_READ_SIZE) {
                size_t room = f->room ? 2 * f->room : 2 * FRAMES_READ_SIZE;
                char *bigger = realloc(f->data, room);

                if (!bigger)
                        return -ENOMEM;
                f->data = bigger;
                f->room = room;
        }
        *ret_room = f->data + f->size;
        *ret_size = f->room - f->size;
        return 0;
}

void frames_received(Frames *f, size_t size)
{
        f->size += size;
}

bool frames_next(Frames *f, char **ret_frame, size_t *ret_size)
{
        char *end;

        if (f->scanned == f->size)
                return false;
        end = memchr(f->data + f->scanned, f->end, f->size - f->scanned);
        if (!end) {
                f->scanned = f->size;
                return false;
        }
        *end = '\0';
        *ret_frame = f->data + f->start;
        *ret_size = (size_t) (end - *ret_frame);
        f->start = f->scanned = (size_t) (end + 1 - f->data);
        return true;
}

void frames_done(Frames *f)
{
        free(f->data);
        *f = (Frames){ .end = f->end, .max = f->max };
}
