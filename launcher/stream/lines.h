/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Splits a console's output into lines for the journal. */

#include "contract/limits.h"
#include "launcher/stream/sanitize.h"

typedef struct Lines {
        Sanitizer sanitizer;
        char text[CONSOLE_LINE_MAX];
        size_t size;
} Lines;

/* A line without its end; never empty. */
typedef void (*LinesEmit)(const char *text, size_t size, void *userdata);

void lines_feed(Lines *l, const char *data, size_t size, LinesEmit emit, void *userdata);

/* Emits an unfinished line. */
void lines_flush(Lines *l, LinesEmit emit, void *userdata);
