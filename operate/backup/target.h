/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A new file that gets its name when it is whole, and is not left behind if this process is killed. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Target {
        int directory; /* borrowed */
        int fd;
        char *name;
        char *partial; /* its name until then, where the file system knows no files without one; or NULL */
} Target;

#define TARGET_EMPTY ((Target){ .directory = -EBADF, .fd = -EBADF })

/*
 * Creates the file, for reading and writing, for its owner only. name is copied. 0; -EEXIST if it exists;
 * -EBUSY if another process is writing it; other errors of the system.
 */
int target_create(Target *t, int directory, const char *name);

/* The same for a file system that cannot make files without a name. */
int target_create_named(Target *t, int directory, const char *name);

/* A file that never gets a name. */
int target_create_scratch(Target *t, const char *directory);

/* Has the file system keep that many bytes for it; 0 also where it cannot, -ENOSPC. */
int target_reserve(const Target *t, uint64_t size);

/* Gives back what was not used, and writes the file to the disk. */
int target_sync(const Target *t);

/* -EEXIST if another process has made a file of that name. */
int target_name(Target *t);

void target_done(Target *t);
