/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The descriptors that systemd kept for the guest, and how they come to the numbers that QEMU's arguments
 * name.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/ownership.h"

typedef struct StoredFd {
        char *name;
        int fd;
        bool wanted; /* somebody asked for this name */
} StoredFd;

typedef struct Fds {
        StoredFd *items;
        size_t count;
} Fds;

/* Takes what systemd passed (LISTEN_FDS); none is no error. */
int fds_take(Fds *ret);
void fds_done(Fds *f);

/*
 * The descriptor of that name, which stays f's; -ENOENT where there is none. Of several the first one that
 * is alive: the device of a TAP may have been deleted behind systemd's back.
 */
int fds_find(Fds *f, const char *name, int *ret);

/* The names that begin so, each once, in the order of the store. Counts as asking for them. */
typedef int (*FdsVisit)(const char *name, int fd, void *userdata);
int fds_each(Fds *f, const char *prefix, FdsVisit visit, void *userdata);

/* Adds one, and takes it, also on -ENOMEM. */
int fds_put(Fds *f, const char *name, int fd);
void fds_drop(Fds *f, const char *name); /* closes and forgets all of that name */

/*
 * Tells systemd what it need not keep: dead descriptors, names that nobody asked for, and those that every
 * start brings anew. To be called when all was asked for.
 */
void fds_tidy_store(const Fds *f);

/* True unless it is of a TAP whose device is gone. */
bool fds_is_alive(const char *name, int fd);

typedef struct Placement {
        int from, to;
} Placement;

/*
 * Makes each `to` a copy of its `from`, not close-on-exec, and every other descriptor from 3 up
 * close-on-exec. Only calls what may be called between fork() and exec(). Sources and targets may overlap in
 * any way; targets must differ.
 */
int fds_place(Placement *placements, size_t count);

static inline _unused_ void fds_donep(Fds *f)
{
        fds_done(f);
}
