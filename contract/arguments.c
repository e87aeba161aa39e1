/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launcher gets all its input as arguments, which vm-generator wrote or an administrator put into a
 * drop-in. They are read strictly: an unknown key, a repeated one or a value of the wrong type makes the
 * start fail, and all mistakes are reported at once. A key and its value are always one word
 * ("--key=value"), so whether a word is a key never depends on the word before it.
 */

#include "contract/arguments.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/limits.h"
#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

#define ARGUMENT_TABLE_MAX 64

typedef struct Reading {
        const Argument *table;
        size_t count;
        void *target;
        uint64_t seen; /* a bit for each row */
        const char *dashes;
        bool failed;
} Reading;

static void complain(Reading *reading, const Argument *a, int r, const char *text)
{
        reading->failed = true;
        if (r == -ERANGE)
                log_error("%s%s=%s is out of range.", reading->dashes, a->key, text);
        else
                log_error("%s%s=%s is not %s.", reading->dashes, a->key, text, a->what);
}

static int read_row(Reading *reading, size_t row, const char *text)
{
        const Argument *a = &reading->table[row];
        uint64_t bit = UINT64_C(1) << row;
        int r;

        if (reading->seen & bit && !(a->flags & ARGUMENT_REPEATED)) {
                log_error("%s%s may be given only once.", reading->dashes, a->key);
                reading->failed = true;
                return 0;
        }
        reading->seen |= bit;
        if (!!(a->flags & ARGUMENT_SWITCH) != !text) {
                log_error(
                        text ? "%s%s does not take a value." : "%s%s requires a value.", reading->dashes,
                        a->key);
                reading->failed = true;
                return 0;
        }
        r = a->read(text ?: "", (char *) reading->target + a->offset);
        if (r == -ENOMEM)
                return log_out_of_memory();
        if (r < 0)
                complain(reading, a, r, text ?: "");
        return 0;
}

/* word is KEY or KEY=VALUE, without dashes. */
static int read_word(Reading *reading, const char *word)
{
        const char *equals = strchr(word, '=');
        size_t n = equals ? (size_t) (equals - word) : strlen(word);

        for (size_t i = 0; i < reading->count; i++)
                if (strlen(reading->table[i].key) == n && strncmp(reading->table[i].key, word, n) == 0)
                        return read_row(reading, i, equals ? equals + 1 : NULL);
        log_error("Unknown option %s%.*s.", reading->dashes, (int) n, word);
        reading->failed = true;
        return 0;
}

static int reading_end(Reading *reading)
{
        for (size_t i = 0; i < reading->count; i++)
                if (reading->table[i].flags & ARGUMENT_REQUIRED && !(reading->seen & UINT64_C(1) << i)) {
                        log_error(
                                "%s%s=%s is missing.", reading->dashes, reading->table[i].key,
                                reading->table[i].what);
                        reading->failed = true;
                }
        return reading->failed ? -EINVAL : 0;
}

int arguments_read(
        const Argument *table, size_t count, void *target, int argc, char **argv, char ***ret_rest)
{
        Reading reading = { .table = table, .count = count, .target = target, .dashes = "--" };
        char **rest = NULL;
        int r;

        if (count > ARGUMENT_TABLE_MAX)
                return -E2BIG;
        for (int i = 1; i < argc; i++) {
                const char *word = text_after(argv[i], "--");

                if (word && !*word && ret_rest) {
                        rest = argv + i + 1;
                        break;
                }
                if (!word || !*word) {
                        log_error("Unexpected argument \"%s\".", argv[i]);
                        reading.failed = true;
                        continue;
                }
                r = read_word(&reading, word);
                if (r < 0)
                        return r;
        }
        r = reading_end(&reading);
        if (r >= 0 && ret_rest)
                *ret_rest = rest ?: argv + argc;
        return r;
}

int arguments_read_list(
        const Argument *table, size_t count, void *target, const char *text, char **ret_owner)
{
        Reading reading = { .table = table, .count = count, .target = target, .dashes = "" };
        char *p, *word;
        int r;

        *ret_owner = p = strdup(text);
        if (!p)
                return log_out_of_memory();
        if (count > ARGUMENT_TABLE_MAX)
                return -E2BIG;
        while ((word = strsep(&p, ","))) {
                r = read_word(&reading, word);
                if (r < 0)
                        return r;
        }
        return reading_end(&reading);
}

char *arguments_write_list(const Argument *table, size_t count, const void *target)
{
        _cleanup_(text_writer_done) TextWriter w;
        char *text;
        size_t size;
        FILE *f = text_writer_start(&w);

        if (!f)
                return NULL;
        for (size_t i = 0; i < count; i++)
                if (table[i].write)
                        table[i].write(f, table[i].key, (const char *) target + table[i].offset);
        if (text_writer_finish(&w, &text, &size) < 0)
                return NULL;
        if (size > 0) /* the comma before the first key */
                memmove(text, text + 1, size);
        return text;
}

int argument_text(const char *text, void *target)
{
        if (!*text)
                return -EINVAL;
        *(const char **) target = text;
        return 0;
}

int argument_guest(const char *text, void *target)
{
        if (!guest_name_is_valid(text))
                return -EINVAL;
        return argument_text(text, target);
}

int argument_id(const char *text, void *target)
{
        size_t n = strlen(text);

        if (n > ID_MAX ||
            strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != n)
                return -EINVAL;
        return argument_text(text, target);
}

int argument_path(const char *text, void *target)
{
        if (*text != '/')
                return -EINVAL;
        return argument_text(text, target);
}

int argument_uuid(const char *text, void *target)
{
        return text_to_uuid(text, target);
}

int argument_unsigned(const char *text, void *target)
{
        return text_to_unsigned(text, UINT32_MAX, target);
}

int argument_fd(const char *text, void *target)
{
        unsigned n;
        int r;

        r = text_to_unsigned(text, FD_NUMBER_MAX, &n);
        if (r < 0)
                return r;
        if (n < 3)
                return -ERANGE;
        *(int *) target = (int) n;
        return 0;
}

int argument_switch(const char *text, void *target)
{
        *(bool *) target = true;
        return 0;
}

int argument_strings(const char *text, void *target)
{
        return strings_add(target, text);
}

void argument_write_text(FILE *f, const char *key, const void *target)
{
        const char *text = *(const char *const *) target;

        if (text)
                fprintf(f, ",%s=%s", key, text);
}

void argument_write_unsigned(FILE *f, const char *key, const void *target)
{
        unsigned n = *(const unsigned *) target;

        if (n > 0)
                fprintf(f, ",%s=%u", key, n);
}

void argument_write_uuid(FILE *f, const char *key, const void *target)
{
        fprintf(f, ",%s=%s", key, (const char *) target);
}

void argument_write_number(FILE *f, const char *key, const void *target)
{
        fprintf(f, ",%s=%u", key, *(const unsigned *) target);
}
