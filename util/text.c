/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Strict conversions: text that is not entirely a number, a MAC address or a UUID is an error, never a
 * guess. */

#include "util/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio_ext.h>

bool text_ends_with(const char *s, const char *suffix)
{
        size_t a = strlen(s), b = strlen(suffix);

        return a >= b && streq(s + a - b, suffix);
}

void text_cut(char *text, size_t max)
{
        if (strlen(text) <= max)
                return;
        while (max > 0 && ((unsigned char) text[max] & 0xc0) == 0x80)
                max--;
        text[max] = '\0';
}

void text_make_printable(char *text)
{
        for (unsigned char *p = (unsigned char *) text; *p; p++) {
                if (*p < 0x20 || *p == 0x7f)
                        *p = ' ';
                else if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
                        p[0] = p[1] = ' ';
        }
}

void path_simplify(char *path)
{
        char *to = path;

        for (const char *from = path; *from;) {
                size_t n;

                from += strspn(from, "/");
                n = strcspn(from, "/");
                if (n > 0 && !(n == 1 && *from == '.')) {
                        *to++ = '/';
                        memmove(to, from, n);
                        to += n;
                }
                from += n;
        }
        if (to == path)
                *to++ = '/';
        *to = '\0';
}

bool path_is_in(const char *path, const char *directory)
{
        const char *rest = text_after(path, streq(directory, "/") ? "" : directory);

        return rest && (!*rest || *rest == '/');
}

char *path_directory(const char *path)
{
        const char *slash = strrchr(path, '/');

        return !slash || slash == path ? strdup("/") : strndup(path, (size_t) (slash - path));
}

char *text_format(const char *format, ...)
{
        va_list ap;
        char *s = NULL;
        int r;

        va_start(ap, format);
        r = vasprintf(&s, format, ap);
        va_end(ap);
        return r < 0 ? NULL : s;
}

static int digit_value(char c, unsigned base)
{
        unsigned v;

        if (c >= '0' && c <= '9')
                v = c - '0';
        else if (c >= 'a' && c <= 'f')
                v = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
                v = c - 'A' + 10;
        else
                return -1;
        return v < base ? (int) v : -1;
}

int text_to_u64(const char *s, uint64_t max, uint64_t *ret)
{
        unsigned base = 10;
        uint64_t n = 0;

        if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
                base = 16;
                s += 2;
        }
        if (!*s)
                return -EINVAL;
        for (; *s; s++) {
                int v = digit_value(*s, base);

                if (v < 0)
                        return -EINVAL;
                if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, (unsigned) v, &n))
                        return -ERANGE;
        }
        if (n > max)
                return -ERANGE;
        *ret = n;
        return 0;
}

int text_to_unsigned(const char *s, unsigned max, unsigned *ret)
{
        uint64_t n;
        int r;

        r = text_to_u64(s, max, &n);
        if (r < 0)
                return r;
        *ret = (unsigned) n;
        return 0;
}

int text_hex_byte(const char *s)
{
        int high = digit_value(s[0], 16), low = high < 0 ? -1 : digit_value(s[1], 16);

        return low < 0 ? -1 : high << 4 | low;
}

int text_to_mac(const char *s, uint8_t ret[static 6])
{
        uint8_t mac[6];

        for (unsigned i = 0; i < 6; i++) {
                int byte = text_hex_byte(s);

                if (byte < 0 || s[2] != (i < 5 ? ':' : '\0'))
                        return -EINVAL;
                mac[i] = (uint8_t) byte;
                s += 3;
        }
        memcpy(ret, mac, sizeof(mac));
        return 0;
}

MacText mac_text(const uint8_t mac[static 6])
{
        MacText t;

        snprintf(
                t.text, sizeof(t.text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
        return t;
}

int text_to_uuid(const char *s, char ret[static 37])
{
        char uuid[37];
        unsigned n = 0;

        while (*s && isspace((unsigned char) *s))
                s++;
        for (; *s && !isspace((unsigned char) *s); s++) {
                if (*s == '-')
                        continue;
                if (n >= 36 || digit_value(*s, 16) < 0)
                        return -EINVAL;
                if (n == 8 || n == 13 || n == 18 || n == 23)
                        uuid[n++] = '-';
                if (n >= 36)
                        return -EINVAL;
                uuid[n++] = (char) tolower((unsigned char) *s);
        }
        while (*s && isspace((unsigned char) *s))
                s++;
        if (n != 36 || *s)
                return -EINVAL;
        uuid[36] = '\0';
        memcpy(ret, uuid, sizeof(uuid));
        return 0;
}

/* "Optimal string alignment": rows of the usual table for a and b, of which only three are needed at a time.
 */
unsigned text_distance(const char *a, const char *b)
{
        unsigned rows[3][TEXT_NEAR_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];
        size_t n = strlen(a), m = strlen(b);

        if (n > TEXT_NEAR_MAX || m > TEXT_NEAR_MAX)
                return UINT_MAX;
        for (size_t j = 0; j <= m; j++)
                last[j] = (unsigned) j;
        for (size_t i = 1; i <= n; i++) {
                unsigned *oldest = before;

                now[0] = (unsigned) i;
                for (size_t j = 1; j <= m; j++) {
                        bool same = tolower((unsigned char) a[i - 1]) == tolower((unsigned char) b[j - 1]);
                        unsigned least = last[j - 1] + !same;

                        least = last[j] + 1 < least ? last[j] + 1 : least;
                        least = now[j - 1] + 1 < least ? now[j - 1] + 1 : least;
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                least = before[j - 2] + 1 < least ? before[j - 2] + 1 : least;
                        now[j] = least;
                }
                before = last;
                last = now;
                now = oldest;
        }
        return last[m];
}

/* More than two mistakes, or half of the word, is another word rather than a slip. */
void text_near_consider(TextNear *near, const char *word, size_t n)
{
        char candidate[TEXT_NEAR_MAX + 1];
        unsigned distance;

        if (n > TEXT_NEAR_MAX)
                return;
        memcpy(candidate, word, n);
        candidate[n] = '\0';
        distance = text_distance(near->wrong, candidate);
        if (distance > 2 || 2 * distance >= strlen(near->wrong) || streq(near->wrong, candidate) ||
            (*near->found && distance >= near->distance))
                return;
        memcpy(near->found, candidate, n + 1);
        near->distance = distance;
}

uint64_t text_hash(const void *data, size_t size)
{
        const uint8_t *p = data;
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < size; i++)
                h = (h ^ p[i]) * UINT64_C(0x100000001b3);
        return h;
}

void strings_done(Strings *s)
{
        for (size_t i = 0; i < s->count; i++)
                free(s->items[i]);
        free(s->items);
        *s = (Strings){ 0 };
}

int strings_take(Strings *s, char *text)
{
        char **items;

        if (!text)
                return -ENOMEM;
        items = reallocarray(s->items, s->count + 2, sizeof(*items));
        if (!items) {
                free(text);
                return -ENOMEM;
        }
        s->items = items;
        s->items[s->count++] = text;
        s->items[s->count] = NULL;
        return 0;
}

int strings_add(Strings *s, const char *text)
{
        return strings_take(s, strdup(text));
}

int strings_addf(Strings *s, const char *format, ...)
{
        va_list ap;
        char *text = NULL;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        return strings_take(s, r < 0 ? NULL : text);
}

void strings_remove(Strings *s, const char *text)
{
        for (size_t i = 0; i < s->count; i++)
                if (streq(s->items[i], text)) {
                        free(s->items[i]);
                        s->count--;
                        memmove(&s->items[i], &s->items[i + 1], (s->count - i + 1) * sizeof(*s->items));
                        return;
                }
}

bool strings_have(const Strings *s, const char *text)
{
        for (size_t i = 0; i < s->count; i++)
                if (streq(s->items[i], text))
                        return true;
        return false;
}

FILE *text_writer_start(TextWriter *w)
{
        *w = (TextWriter){ 0 };
        w->file = open_memstream(&w->text, &w->size);
        if (w->file) /* nobody else writes to it, and a lock for each call takes longer than the call */
                (void) __fsetlocking(w->file, FSETLOCKING_BYCALLER);
        return w->file;
}

int text_writer_finish(TextWriter *w, char **ret_text, size_t *ret_size)
{
        bool failed = ferror(w->file);

        if (fclose(TAKE_PTR(w->file)) != 0 || failed)
                return -ENOMEM;
        *ret_text = TAKE_PTR(w->text);
        if (ret_size)
                *ret_size = w->size;
        return 0;
}

char *text_writer_take(TextWriter *w)
{
        char *text;

        return text_writer_finish(w, &text, NULL) < 0 ? NULL : text;
}

void text_writer_done(TextWriter *w)
{
        fclosep(&w->file);
        free(w->text);
        *w = (TextWriter){ 0 };
}
