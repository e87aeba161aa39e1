/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The typed arguments of a verb, as a table: --KEY=VALUE, each with the reader of its type and where the
 * result goes. A table of a comma list also has the writer of each key, so that one table serves both the
 * program that writes the list and the one that reads it.
 */

#include <stddef.h>
#include <stdio.h>

/* Reads the text into *target. A negative errno if it is not of the type; -ENOMEM if out of memory. */
typedef int (*ArgumentReader)(const char *text, void *target);

/* Writes ",KEY=VALUE", or nothing if *target says that the key is absent. */
typedef void (*ArgumentWriter)(FILE *f, const char *key, const void *target);

typedef enum ArgumentFlags {
        ARGUMENT_REQUIRED = 1 << 0, /* must be there */
        ARGUMENT_REPEATED = 1 << 1, /* may be there more than once */
        ARGUMENT_SWITCH = 1 << 2,   /* has no value; the reader gets "" */
} ArgumentFlags;

typedef struct Argument {
        const char *key;  /* without the dashes */
        const char *what; /* what the value is, for messages: "NAME", "ADDRESS" */
        ArgumentReader read;
        size_t offset; /* where the reader's target is in the structure that is filled */
        unsigned flags;
        ArgumentWriter write; /* NULL for an argument of a verb, and if another row writes it as well */
} Argument;

/*
 * Reads argv[1] and the following. What comes after "--" goes to ret_rest (ended by NULL, part of argv);
 * where ret_rest is NULL, nothing may. Every mistake is logged; -EINVAL if there was one, or -ENOMEM.
 */
int arguments_read(
        const Argument *table, size_t count, void *target, int argc, char **argv, char ***ret_rest);

/*
 * The same for a value that is itself a list, "key=value,key=value"; no value can hold a comma. What readers
 * borrow belongs to *ret_owner, which is also set on failure; the caller must free it.
 */
int arguments_read_list(
        const Argument *table, size_t count, void *target, const char *text, char **ret_owner);

/*
 * Writes what arguments_read_list() reads, with the keys in the table's order. The caller must free the
 * result; NULL if out of memory.
 */
char *arguments_write_list(const Argument *table, size_t count, const void *target);

/* Readers. The target of each is named in brackets. */
int argument_text(const char *text, void *target);     /* (const char *), borrowed; not empty */
int argument_guest(const char *text, void *target);    /* (const char *), borrowed; a guest's name */
int argument_id(const char *text, void *target);       /* (const char *), borrowed; letters, digits, "._-" */
int argument_path(const char *text, void *target);     /* (const char *), borrowed; absolute */
int argument_uuid(const char *text, void *target);     /* (char[37]) */
int argument_unsigned(const char *text, void *target); /* (unsigned) */
int argument_fd(const char *text, void *target);       /* (int); 3 to FD_NUMBER_MAX */
int argument_switch(const char *text, void *target);   /* (bool) */
int argument_strings(const char *text, void *target);  /* (Strings), added to */

/* Writers. */
void argument_write_text(FILE *f, const char *key, const void *target);     /* (const char *), unless NULL */
void argument_write_uuid(FILE *f, const char *key, const void *target);     /* (char[37]), always */
void argument_write_number(FILE *f, const char *key, const void *target);   /* (unsigned), always */
void argument_write_unsigned(FILE *f, const char *key, const void *target); /* (unsigned), unless 0 */
