/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sets of CPU and NUMA node numbers, as "0-3,^2,7" writes them. */

#include <stdbool.h>
#include <stdint.h>

#define SET_MAX 16384 /* all numbers are below it: libvirt's maximum of CPUs */

typedef struct Set {
        uint64_t words[SET_MAX / 64];
        bool set; /* the XML has one */
} Set;

/* -EINVAL: the text is empty, or has an unknown character or a descending range. -ERANGE: a number is not
 * below SET_MAX. */
int set_parse(const char *text, Set *ret);

static inline bool set_has(const Set *s, unsigned n)
{
        return n < SET_MAX && s->words[n / 64] >> (n % 64) & 1;
}

static inline void set_add(Set *s, unsigned n)
{
        s->words[n / 64] |= UINT64_C(1) << (n % 64);
}

unsigned set_count(const Set *s);
unsigned set_last(const Set *s);         /* the greatest member; 0 also for an empty set */
void set_join(Set *to, const Set *from); /* adds all members of from */
bool set_overlaps(const Set *a, const Set *b);

/* Calls visit for each run of consecutive numbers, in order. */
void set_runs(const Set *s, void (*visit)(void *data, unsigned first, unsigned last), void *data);

/* "0-1,3,7-9": a new string; NULL if out of memory. */
char *set_format(const Set *s);
