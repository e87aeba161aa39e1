/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A value has one of three syntaxes: plain text, where only "%" and the end of the line are special; lists
 * of words, where systemd accepts quotes and drops backslashes but knows no \n; and command lines, which
 * also have C escapes and "$". What a syntax cannot express is an error, never an approximation.
 */

#include "generator/unit/unit-file.h"

#include <errno.h>

#define COMMAND_WIDTH 100 /* columns after which a command line is continued on the next line */
#define DIRECTIVE_MAX \
        ((size_t) 1 << 20) /* bytes: LONG_LINE_MAX of systemd, which also bounds lines joined by "\\" */

int unit_file_start(UnitFile *u)
{
        *u = (UnitFile){ 0 };
        u->file = text_writer_start(&u->writer);
        return u->file ? 0 : -ENOMEM;
}

void unit_file_done(UnitFile *u)
{
        text_writer_done(&u->writer);
        *u = (UnitFile){ 0 };
}

int unit_file_finish(UnitFile *u, char **ret_text, size_t *ret_size)
{
        if (u->status < 0)
                return u->status;
        u->file = NULL;
        return text_writer_finish(&u->writer, ret_text, ret_size);
}

static bool is_control(char c)
{
        return (unsigned char) c < 0x20 || c == 0x7f;
}

void unit_comment(UnitFile *u, const char *text)
{
        fputs("# ", u->file);
        for (; *text; text++)
                fputc(is_control(*text) ? '?' : *text, u->file);
        fputs("\n", u->file);
}

void unit_section(UnitFile *u, const char *name)
{
        fprintf(u->file, "\n[%s]\n", name);
}

/* systemd expands no specifiers in percentages, so the sign is not doubled. */
void unit_percent(UnitFile *u, const char *key, unsigned percent)
{
        fprintf(u->file, "%s=%u%%\n", key, percent);
}

void unit_empty(UnitFile *u, const char *key)
{
        fprintf(u->file, "%s=\n", key);
}

void unit_plain(UnitFile *u, const char *key, const char *value)
{
        size_t n = strlen(value);

        /* systemd drops blanks at the ends, and a final backslash would join the next line */
        if (n == 0 || value[0] == ' ' || value[n - 1] == ' ' || value[n - 1] == '\\')
                u->status = -EINVAL;
        fprintf(u->file, "%s=", key);
        for (; *value; value++) {
                if (is_control(*value))
                        u->status = -EINVAL;
                if (*value == '%')
                        fputc('%', u->file);
                fputc(*value, u->file);
        }
        fputc('\n', u->file);
}

int unit_file_start_beside(UnitFile *u, const char *path)
{
        int r = unit_file_start(u);

        if (r < 0)
                return r;
        unit_comment(u, "Made by vm-generator, for the guest's unit that has this name.");
        unit_section(u, "Unit");
        unit_plain(u, "SourcePath", path);
        return 0;
}

static bool is_bare(const char *word)
{
        return *word &&
               strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,@+-") ==
                       strlen(word);
}

static bool is_bare_in_list(const char *word)
{
        return is_bare(word) && !strchr(word, ':');
}

/* special: characters that get a backslash, in quotes as well. */
static void write_escaped(UnitFile *u, const char *word, const char *special)
{
        if (!*word)
                u->status = -EINVAL;
        for (; *word; word++) {
                if (is_control(*word))
                        u->status = -EINVAL;
                if (strchr(special, *word))
                        fputc('\\', u->file);
                if (*word == '%')
                        fputc('%', u->file);
                fputc(*word, u->file);
        }
}

static void write_list_word(UnitFile *u, const char *word)
{
        bool bare = is_bare_in_list(word);

        if (!bare)
                fputc('"', u->file);
        write_escaped(u, word, "\"\\");
        if (!bare)
                fputc('"', u->file);
}

void unit_word(UnitFile *u, const char *key, const char *word, const char *suffix)
{
        fprintf(u->file, "%s=", key);
        write_list_word(u, word);
        fprintf(u->file, "%s\n", suffix);
}

void unit_word_after(UnitFile *u, const char *key, const char *prefix, const char *word)
{
        _cleanup_(freep) char *joined = text_format("%s%s", prefix, word);

        if (joined)
                unit_word(u, key, joined, "");
        else
                u->status = -ENOMEM;
}

/* A colon would separate the source from a destination. */
void unit_bind(UnitFile *u, const char *key, const char *path)
{
        bool bare = is_bare_in_list(path);

        fprintf(u->file, "%s=", key);
        if (!bare)
                fputc('"', u->file);
        write_escaped(u, path, "\"\\:");
        if (!bare)
                fputc('"', u->file);
        fputc('\n', u->file);
}

/*
 * These are split twice: into words, where a backslash is not special, and each word at its colons, where it
 * escapes a colon or a quote.
 */
void unit_directory(UnitFile *u, const char *key, const char *path)
{
        bool bare = is_bare(path);

        fprintf(u->file, bare ? "%s=" : "%s=\"", key);
        for (; *path; path++) {
                if (is_control(*path) || *path == '"' || *path == '\\')
                        u->status = -EINVAL;
                if (*path == ':' || *path == '\'')
                        fputc('\\', u->file);
                if (*path == '%')
                        fputc('%', u->file);
                fputc(*path, u->file);
        }
        fputs(bare ? "\n" : "\"\n", u->file);
}

/* Of the text up to the next character that is special in a command line. */
static size_t plain_length(const char *text, char quote)
{
        size_t n = 0;

        while (text[n] && !is_control(text[n]) && !strchr("\\%$", text[n]) && text[n] != quote)
                n++;
        return n;
}

static size_t write_special(UnitFile *u, char c)
{
        if (is_control(c))
                return (size_t) fprintf(u->file, "\\x%02x", (unsigned char) c);
        fputc(c == '%' || c == '$' ? c : '\\', u->file);
        fputc(c, u->file);
        return 2;
}

/* Returns the number of columns written. */
static size_t write_argument(UnitFile *u, const char *word)
{
        bool bare = is_bare(word), quotes_inside = strchr(word, '"') && !strchr(word, '\'');
        char quote = quotes_inside ? '\'' : '"';
        size_t columns = bare ? 0 : 2;

        if (!bare)
                fputc(quote, u->file);
        while (*word) {
                size_t n = plain_length(word, quote);

                columns += fwrite(word, 1, n, u->file);
                word += n;
                if (*word)
                        columns += write_special(u, *word++);
        }
        if (!bare)
                fputc(quote, u->file);
        return columns;
}

void unit_command(UnitFile *u, const char *key, const char *prefix, const Strings *argv)
{
        long start = ftell(u->file), end;
        size_t column = (size_t) fprintf(u->file, "%s=%s", key, prefix);

        for (size_t i = 0; i < argv->count; i++) {
                const char *word = argv->items[i], *before = i > 0 ? argv->items[i - 1] : "";
                bool is_value = before[0] == '-' && before[1] != '-' && word[0] != '-';
                size_t width = strlen(word) +
                               (i + 1 < argv->count && word[0] == '-' ? strlen(argv->items[i + 1]) : 0);

                /* keep an option and its value on one line */
                if (i > 0 && !is_value && column + width > COMMAND_WIDTH) {
                        fputs(" \\\n       ", u->file);
                        column = 7;
                }
                if (i > 0)
                        column += (size_t) fprintf(u->file, " ");
                column += write_argument(u, word);
        }
        end = ftell(u->file);
        if (start < 0 || end < 0)
                u->status = -ENOMEM;
        else if ((size_t) (end - start) >= DIRECTIVE_MAX)
                u->status = -E2BIG;
        fputc('\n', u->file);
}
