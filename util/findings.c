/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A finding may quote XML from anybody. What reaches a terminal, the journal or a unit file is a single line
 * without control characters.
 */

#include "util/findings.h"

#include <stdarg.h>

#include "util/text.h"

struct Findings {
        Finding *items;
        size_t count, errors, denials;
        bool incomplete;
};

Findings *findings_new(void)
{
        return calloc(1, sizeof(Findings));
}

Findings *findings_free(Findings *f)
{
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->count; i++)
                free(f->items[i].text);
        free(f->items);
        free(f);
        return NULL;
}

static bool stands_before(const Place *a, const Place *b)
{
        if (!streq(a->file, b->file))
                return false;
        return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Phases report in their own order; readers go through the file from the top. */
static void sort_last_in(Findings *f)
{
        for (size_t i = f->count - 1; i > 0 && stands_before(&f->items[i].place, &f->items[i - 1].place);
             i--) {
                Finding later = f->items[i - 1];

                f->items[i - 1] = f->items[i];
                f->items[i] = later;
        }
}

void finding(Findings *f, Severity severity, Place place, const char *format, ...)
{
        char *text = NULL;
        Finding *items;
        va_list ap;
        int r;

        if (severity != SEVERITY_WARNING)
                f->errors++;
        if (severity == SEVERITY_DENIAL)
                f->denials++;
        if (f->count >= FINDINGS_MAX) {
                f->incomplete = true;
                return;
        }
        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        items = r < 0 ? NULL : reallocarray(f->items, f->count + 1, sizeof(*items));
        if (!items) {
                if (r >= 0)
                        free(text);
                f->incomplete = true;
                return;
        }
        f->items = items;
        f->items[f->count++] = (Finding){ severity, place, text };
        sort_last_in(f);
}

bool findings_failed(const Findings *f)
{
        return f->errors > 0 || f->incomplete;
}

bool findings_denied(const Findings *f)
{
        return f->denials > 0 && f->denials == f->errors && !f->incomplete;
}

size_t findings_count(const Findings *f)
{
        return f->count;
}

const Finding *findings_get(const Findings *f, size_t i)
{
        return &f->items[i];
}

/* Copies text with each control character as \xNN; out has room for four times its length. */
static char *append_visible(char *out, const char *text)
{
        static const char hex[] = "0123456789abcdef";

        for (; *text; text++) {
                unsigned char c = (unsigned char) *text;

                if (c >= 0x20 && c != 0x7f) {
                        *out++ = (char) c;
                        continue;
                }
                *out++ = '\\';
                *out++ = 'x';
                *out++ = hex[c >> 4];
                *out++ = hex[c & 15];
        }
        return out;
}

char *finding_format(const Finding *f)
{
        const char *severity = f->severity == SEVERITY_WARNING ? "warning" : "error";
        char *line, *p;

        line = malloc(4 * (strlen(f->place.file) + strlen(f->text)) + 64);
        if (!line)
                return NULL;
        p = append_visible(line, f->place.file);
        if (f->place.line > 0)
                p += sprintf(p, ":%u:%u", f->place.line, f->place.column);
        p += sprintf(p, ": %s: ", severity);
        p = append_visible(p, f->text);
        *p = '\0';
        return line;
}
