/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Strings, numbers written as text, lists of strings, and text written piece by piece. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/ownership.h"

static inline bool streq(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

/* As streq(), and NULL equals only NULL. */
static inline bool streq_null(const char *a, const char *b)
{
        return a && b ? streq(a, b) : a == b;
}

/* Returns what follows the prefix, or NULL if s does not start with it. */
static inline const char *text_after(const char *s, const char *prefix)
{
        size_t n = strlen(prefix);

        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool text_ends_with(const char *s, const char *suffix);

/* Shortens it to at most max bytes without cutting a UTF-8 character. */
void text_cut(char *text, size_t max);

/* Replaces control characters by blanks, those of ISO 6429 (U+0080 to U+009F in UTF-8) included: a terminal
 * would obey them. */
void text_make_printable(char *text);

/*
 * An absolute path in its shortest form: without "//", "/./" and a slash at the end. Changes it in place.
 * ".." stays, since what it means depends on links.
 */
void path_simplify(char *path);

/* The directory part of an absolute path, at least "/"; NULL if out of memory. */
char *path_directory(const char *path);

/* Whether the path is the directory or in it, compared by parts; both simplified. */
bool path_is_in(const char *path, const char *directory);

/* A new string, or NULL if out of memory. */
char *text_format(const char *format, ...) _printf_(1, 2);

/* Decimal, or hexadecimal after 0x; the whole text, no sign, no blanks. -EINVAL if it is not a number,
 * -ERANGE if above max. */
int text_to_u64(const char *s, uint64_t max, uint64_t *ret);
int text_to_unsigned(const char *s, unsigned max, unsigned *ret);

/* The value of two hexadecimal digits, in either case; -1 if they are not two such digits. */
int text_hex_byte(const char *s);

/* "52:54:00:12:34:56"; -EINVAL if it is not a MAC address. */
int text_to_mac(const char *s, uint8_t ret[static 6]);

/* The text of a MAC address, by value: mac_text(mac).text lives until the end of the block. */
typedef struct MacText {
        char text[18];
} MacText;
MacText mac_text(const uint8_t mac[static 6]);

/* With or without dashes; ret receives the 36 characters with dashes, lower case. -EINVAL if it is not a
 * UUID. */
int text_to_uuid(const char *s, char ret[static 37]);

/*
 * How many characters have to be added, left out, replaced or swapped with their neighbour to make b of a.
 * Upper and lower case do not count as different. UINT_MAX if one of them is longer than TEXT_NEAR_MAX.
 */
#define TEXT_NEAR_MAX 64
unsigned text_distance(const char *a, const char *b);

/* The search for the known word that a wrong one was meant to be: start it with { .wrong = … }. */
typedef struct TextNear {
        const char *wrong;
        char found[TEXT_NEAR_MAX + 1]; /* "" if none is near enough */
        unsigned distance;             /* of found */
} TextNear;

/* Considers n bytes at word. Of several that are as near, the first stays. */
void text_near_consider(TextNear *near, const char *word, size_t n);

/* 64-bit FNV-1a: detects that a file changed, but not if somebody wants to hide it. */
uint64_t text_hash(const void *data, size_t size);

/* A growing list of strings that it owns, NULL-terminated after the first addition. */
typedef struct Strings {
        char **items;
        size_t count;
} Strings;

void strings_done(Strings *s);

int strings_add(Strings *s, const char *text); /* 0 or -ENOMEM */
int strings_take(
        Strings *s, char *text); /* takes over text even on -ENOMEM; text may be NULL, for -ENOMEM */
int strings_addf(Strings *s, const char *format, ...) _printf_(2, 3);
void strings_remove(Strings *s, const char *text); /* the first that equals it, if any */
bool strings_have(const Strings *s, const char *text);

/*
 * Text of unknown length, written with stdio. A stream in memory fails only if memory runs out, and may tell
 * so late: no write is checked, the end checks them all, and a text is either whole or not there.
 */
typedef struct TextWriter {
        FILE *file; /* for fprintf() and the like, from text_writer_start() to text_writer_finish() */
        char *text;
        size_t size;
} TextWriter;

/* Returns the file to write to, or NULL if out of memory. */
FILE *text_writer_start(TextWriter *w);

/*
 * 0 and the whole text, a new string that may contain NUL bytes and has another after it; -ENOMEM if any of
 * it was lost. ret_size may be NULL.
 */
int text_writer_finish(TextWriter *w, char **ret_text, size_t *ret_size);

/* The same for callers that know no other failure: NULL if out of memory. */
char *text_writer_take(TextWriter *w);

/* Frees what was not taken. w must have been started or zeroed. */
void text_writer_done(TextWriter *w);
