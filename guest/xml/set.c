/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets of numbers as libvirt writes them for CPUs and nodes: "0-3,^2,8". The numbers have a limit, so a
 * set from hostile XML cannot use up memory.
 */

#include "guest/xml/set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/text.h"

static int parse_number(const char **text, unsigned *ret)
{
        unsigned n = 0;
        const char *p = *text;

        if (*p < '0' || *p > '9')
                return -EINVAL;
        for (; *p >= '0' && *p <= '9'; p++) {
                n = n * 10 + (unsigned) (*p - '0');
                if (n >= SET_MAX)
                        return -ERANGE;
        }
        *text = p;
        *ret = n;
        return 0;
}

static void skip_blanks(const char **text)
{
        while (**text == ' ' || **text == '\t' || **text == '\n')
                (*text)++;
}

static int parse_item(const char **text, Set *set)
{
        bool negated = **text == '^';
        unsigned first, last;
        int r;

        if (negated)
                (*text)++;
        r = parse_number(text, &first);
        if (r < 0)
                return r;
        last = first;
        skip_blanks(text);
        if (!negated && **text == '-') {
                (*text)++;
                skip_blanks(text);
                r = parse_number(text, &last);
                if (r < 0)
                        return r;
        }
        if (last < first)
                return -EINVAL;
        for (unsigned i = first; i <= last; i++)
                if (negated)
                        set->words[i / 64] &= ~(UINT64_C(1) << (i % 64));
                else
                        set_add(set, i);
        return 0;
}

int set_parse(const char *text, Set *ret)
{
        Set set = { .set = true };
        int r;

        for (;;) {
                skip_blanks(&text);
                r = parse_item(&text, &set);
                if (r < 0)
                        return r;
                skip_blanks(&text);
                if (*text == '\0')
                        break;
                if (*text++ != ',')
                        return -EINVAL;
        }
        *ret = set;
        return 0;
}

unsigned set_count(const Set *s)
{
        unsigned n = 0;

        for (unsigned i = 0; i < SET_MAX / 64; i++)
                n += (unsigned) __builtin_popcountll(s->words[i]);
        return n;
}

unsigned set_last(const Set *s)
{
        for (unsigned i = SET_MAX; i > 0; i--)
                if (set_has(s, i - 1))
                        return i - 1;
        return 0;
}

void set_join(Set *to, const Set *from)
{
        for (unsigned i = 0; i < SET_MAX / 64; i++)
                to->words[i] |= from->words[i];
}

bool set_overlaps(const Set *a, const Set *b)
{
        for (unsigned i = 0; i < SET_MAX / 64; i++)
                if (a->words[i] & b->words[i])
                        return true;
        return false;
}

void set_runs(const Set *s, void (*visit)(void *data, unsigned first, unsigned last), void *data)
{
        for (unsigned i = 0; i < SET_MAX; i++) {
                unsigned first = i;

                if (!set_has(s, i))
                        continue;
                while (i + 1 < SET_MAX && set_has(s, i + 1))
                        i++;
                visit(data, first, i);
        }
}

static void print_run(void *data, unsigned first, unsigned last)
{
        FILE *f = data;

        if (ftell(f) > 0)
                fputc(',', f);
        fprintf(f, first == last ? "%u" : "%u-%u", first, last);
}

char *set_format(const Set *s)
{
        _cleanup_(text_writer_done) TextWriter w;
        FILE *f = text_writer_start(&w);

        if (!f)
                return NULL;
        set_runs(s, print_run, f);
        return text_writer_take(&w);
}
