/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The one writer of unit files. A value is written so that systemd reads exactly it again, or not at all: no
 * text can end its line, add a directive, or be taken for a specifier or a variable. Source:
 * systemd.syntax(7), systemd.service(5) "Command lines", systemd.unit(5) "Specifiers".
 */

#include "util/text.h"

/* Failures are remembered, and told by unit_file_finish(). */
typedef struct UnitFile {
        FILE *file;
        char *text;
        size_t size;
        int status;
} UnitFile;

int unit_file_start(UnitFile *u);
void unit_file_done(UnitFile *u);

/*
 * 0, and the text, which belongs to the caller; -ENOMEM, -EINVAL where a value cannot be written, or -E2BIG
 * where a command line is longer than systemd reads.
 */
int unit_file_finish(UnitFile *u, char **ret_text, size_t *ret_size);

void unit_comment(UnitFile *u, const char *text);
void unit_section(UnitFile *u, const char *name);
void unit_plain(
        UnitFile *u, const char *key, const char *value); /* text as it is: a title, one path, a number */
void unit_percent(UnitFile *u, const char *key, unsigned percent); /* for a key without specifiers: "150%" */
void unit_directory(UnitFile *u, const char *key, const char *path); /* RuntimeDirectory= and its kin */
void unit_empty(UnitFile *u, const char *key);                       /* resets a list: "ExecStart=" */
void unit_words(UnitFile *u, const char *key, const Strings *words); /* a list whose words may need quotes */
void unit_word(
        UnitFile *u, const char *key, const char *word,
        const char *suffix); /* one such word, and what follows it bare */
void unit_command(
        UnitFile *u, const char *key, const char *prefix, const Strings *argv); /* ExecStart= and its kin */
