/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A saved guest as a file in its state directory. directory is a descriptor of that directory. Nothing here
 * logs.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SAVED_OFFSET (1 << 20) /* where QEMU's part begins, after ours */

/* Creates the file under the name that it has until it is whole, in the place of one that was left behind.
 * A descriptor for writing only, as QEMU demands, or a negative errno. */
int saved_create(int directory);

/*
 * Makes the file, to which QEMU has written its part, whole: adds the header, with the file's size as
 * "size", and gives it its name. Once this succeeds, the file survives a crash of the host. 0, -E2BIG if the
 * header is too long, or another negative errno: then there is none.
 */
int saved_finish(int directory, int fd, json_t *header);

/* Removes one that is not whole. */
void saved_drop(int directory);

typedef enum SavedKind {
        SAVED_WHOLE,
        SAVED_RESTORING, /* a guest that was restored from it may have run */
} SavedKind;

typedef struct Saved {
        SavedKind kind;
        int fd; /* for reading */
        json_t *header;
} Saved;

#define SAVED_EMPTY ((Saved){ .fd = -EBADF })

/* Opens a saved guest. -ENOENT if there is none; -EBADMSG if it is no such file, -ENODATA if it is cut
 * short. */
int saved_open(int directory, Saved *ret);
void saved_done(Saved *saved);

/* The header of a file of that size, whose beginning is data: a new object. -EBADMSG, -ENODATA, -ENOMEM. */
int saved_parse(const char *data, size_t size, uint64_t file_size, json_t **ret);

/* From now on a guest that was restored may run, or not any more. 0 or a negative errno. */
int saved_mark(int directory);
int saved_unmark(int directory);

/* Removes the file in either state. 0 or a negative errno. */
int saved_consume(int directory);
