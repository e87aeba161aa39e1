/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies of files that are there as a whole or not at all. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A copy that has no name yet, and does not outlive this process without one. */
typedef struct FileCopy {
        char *from, *to;
        int directory, fd; /* of the copy */
        char *made;        /* its name, where the file system has no files without one; else NULL */
        bool named;        /* copy_name() was called */
} FileCopy;

#define COPY_ANY_SIZE   INT64_MAX
#define FILE_COPY_EMPTY ((FileCopy){ .directory = -EBADF, .fd = -EBADF })

/*
 * Copies the content of a regular file, with its holes, owner and mode, as blocks that both share where the
 * file system can. Links at the end of `from` are not followed. The content is on the disk when this
 * returns. -EEXIST if there is anything at `to`; -EFBIG if it has more than max bytes; other errors of
 * reading and writing. copy_done() is required in each case.
 */
int copy_make(const char *from, const char *to, off_t max, FileCopy *ret);

/* Gives the copy its name; -EEXIST if somebody else took it. copy_done() removes it again. */
int copy_name(FileCopy *c);

/* To be called for a copy that stays. */
void copy_keep(FileCopy *c);

void copy_done(FileCopy *c);
