/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The only writer of unit files. systemd reads back exactly the value that was written, or nothing is
 * written: no text can end its line, add a directive, or be taken for a specifier or a variable. Source:
 * systemd.syntax(7), systemd.service(5) "Command lines", systemd.unit(5) "Specifiers".
 */

#include "util/text.h"

/* Failures are remembered, and returned by unit_file_finish(). */
typedef struct UnitFile {
        TextWriter writer;
        FILE *file; /* of the writer */
        int status;
} UnitFile;

int unit_file_start(UnitFile *u);
void unit_file_done(UnitFile *u);

/* The same for the drop-in of a unit beside a guest's, with its [Unit] begun; path: of the guest's XML. */
int unit_file_start_beside(UnitFile *u, const char *path);

/*
 * 0 and the text, which the caller owns; -ENOMEM; -EINVAL if a value cannot be expressed; -E2BIG if a
 * command line exceeds systemd's limit.
 */
int unit_file_finish(UnitFile *u, char **ret_text, size_t *ret_size);

void unit_comment(UnitFile *u, const char *text);
void unit_section(UnitFile *u, const char *name);
void unit_plain(
        UnitFile *u, const char *key, const char *value); /* plain text: a title, one path, a number */
void unit_percent(UnitFile *u, const char *key, unsigned percent); /* for a key without specifiers: "150%" */
void unit_directory(UnitFile *u, const char *key, const char *path); /* RuntimeDirectory= and the like */
void unit_empty(UnitFile *u, const char *key);                       /* resets a list: "ExecStart=" */
void unit_word_after(
        UnitFile *u, const char *key, const char *prefix, const char *word); /* one word of both together */
void unit_word(
        UnitFile *u, const char *key, const char *word,
        const char *suffix);                                    /* one such word, and an unquoted suffix */
void unit_bind(UnitFile *u, const char *key, const char *path); /* BindPaths= and BindReadOnlyPaths= */
void unit_command(
        UnitFile *u, const char *key, const char *prefix, const Strings *argv); /* ExecStart= and the like */
