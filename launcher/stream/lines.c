/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A console is a stream of bytes from the guest, which is not trusted; the journal takes lines of text. A
 * carriage return ends a line like a line feed, because text that it would overwrite on a screen is worth
 * logging. Blank lines are omitted, and a line that is too long continues in the next entry.
 */

#include "launcher/stream/lines.h"

#include <string.h>

void lines_flush(Lines *l, LinesEmit emit, void *userdata)
{
        while (l->size > 0 && (l->text[l->size - 1] == ' ' || l->text[l->size - 1] == '\t'))
                l->size--;
        if (l->size > 0)
                emit(l->text, l->size, userdata);
        l->size = 0;
}

void lines_feed(Lines *l, const char *data, size_t size, LinesEmit emit, void *userdata)
{
        for (size_t i = 0; i < size; i++) {
                char piece[SANITIZED_MAX];
                size_t n = sanitize_byte(&l->sanitizer, (uint8_t) data[i], piece);

                if (n == 1 && piece[0] == '\n') {
                        lines_flush(l, emit, userdata);
                        continue;
                }
                if (n > sizeof(l->text) - l->size)
                        lines_flush(l, emit, userdata);
                memcpy(l->text + l->size, piece, n);
                l->size += n;
        }
}
