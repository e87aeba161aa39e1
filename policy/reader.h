/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading the policy's files line by line, for the files of this folder. */

#include "policy/policy.h"

typedef struct Reader {
        Policy *policy;
        Findings *findings;
        Place place;      /* the file, and the line's number */
        const char *line; /* its beginning */
        int status;       /* -ENOMEM; anything else is a finding */
} Reader;

/* An error at that place in the line. */
void reader_error(Reader *r, const char *at, const char *format, ...) _printf_(3, 4);

/*
 * Opens the file for reader_next_line(); the caller frees *ret_data. 1; 0 if it does not exist. If it cannot
 * be read, that is a finding.
 */
int reader_open(Reader *r, const char *path, char **ret_data);

/* The next line, trimmed and NUL-terminated; NULL at the end. *next points to the rest.
 */
char *reader_next_line(Reader *r, char **next);

/* Cuts off the next word; NULL if there is none. *rest points to what follows it. */
char *reader_next_word(char **rest);

/* Removes blanks at both ends. */
char *reader_trim(char *text);

/* Values: an invalid one is an error, and changes nothing. */
typedef void ReadValue(Reader *r, char *value, void *to);

ReadValue value_read_paths;      /* to Strings; absolute ones */
ReadValue value_read_bool;       /* to bool */
ReadValue value_read_disks;      /* to bool: whether by descriptor */
ReadValue value_read_user;       /* to char *; see policy_user_fault() */
ReadValue value_read_uids;       /* to UidRange */
ReadValue value_read_taps;       /* to unsigned */
ReadValue value_read_limit;      /* to PolicyLimit; a number */
ReadValue value_read_size_limit; /* to PolicyLimit; bytes, with a unit such as G */
ReadValue value_read_names;      /* to Strings; of users or groups */
ReadValue value_read_ranges;     /* to PolicyBridge; its addresses */
