/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of this folder share while they read a policy's files, line by line. */

#include "policy/policy.h"

typedef struct Reader {
        Policy *policy;
        Findings *findings;
        Place place;      /* the file, and the number of the line */
        const char *line; /* where it begins */
        int status;       /* -ENOMEM; all else is a finding */
} Reader;

/* An error at that place in the line. */
void reader_error(Reader *r, const char *at, const char *format, ...) _printf_(3, 4);

/*
 * Opens that file for reader_next_line(), with *ret_data to be freed: 1, or 0 where it is not there, or
 * cannot be read, which is an error then.
 */
int reader_open(Reader *r, const char *path, char **ret_data);

/* The next line without the blanks around it and with its NUL, NULL at the end; *next is where the rest is.
 */
char *reader_next_line(Reader *r, char **next);

/* Cuts the next of several words off, NULL where there is none; *rest is what follows it. */
char *reader_next_word(char **rest);

/* Cuts the blanks at both ends off. */
char *reader_trim(char *text);

/* Values: what is no such value is an error, and changes nothing. */
typedef void ReadValue(Reader *r, char *value, void *to);

ReadValue value_read_paths;  /* to Strings; absolute ones */
ReadValue value_read_bool;   /* to bool */
ReadValue value_read_taps;   /* to unsigned */
ReadValue value_read_names;  /* to Strings; of users or groups */
ReadValue value_read_ranges; /* to PolicyBridge; its addresses */
