/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The descriptors that `run` has for QEMU: those from systemd's store, and those from the helper. Open this
 * to change how they are found, or moved to the numbers that QEMU's arguments name.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/ownership.h"

typedef struct StoredFd {
        char *name;
        int fd;
        bool stored; /* systemd has it, too */
        bool wanted; /* requested by its name */
} StoredFd;

typedef struct Fds {
        StoredFd *items;
        size_t count;
} Fds;

/* Takes the descriptors that systemd passed (LISTEN_FDS); having none is not an error. */
int fds_take(Fds *ret);
void fds_done(Fds *f);

/*
 * The descriptor of that name, which f keeps; -ENOENT if there is none. If there are several, the first one
 * that is alive, because a TAP's device may have been deleted without systemd's knowledge.
 */
int fds_find(Fds *f, const char *name, int *ret);

/* Visits each name with that prefix once, in the order of the store. This marks them as requested. */
typedef int (*FdsVisit)(const char *name, int fd, void *userdata);
int fds_each(Fds *f, const char *prefix, FdsVisit visit, void *userdata);

/* Adds a descriptor and takes ownership of it, also on -ENOMEM. */
int fds_put(Fds *f, const char *name, int fd);
void fds_drop(Fds *f, const char *name); /* closes and removes all of that name */

/*
 * Tells systemd what it need not keep: dead descriptors, names that were not requested, and those that every
 * start opens anew. Call this after everything has been requested.
 */
void fds_tidy_store(const Fds *f);

/* False for a TAP whose device no longer exists, true for everything else. */
bool fds_is_alive(const char *name, int fd);

typedef struct Placement {
        int from, to;
} Placement;

/*
 * Makes each `to` a copy of its `from` without close-on-exec, and sets close-on-exec on every other
 * descriptor from 3 up. Safe between fork() and exec(). Sources and targets may overlap in any way; targets
 * must differ.
 */
int fds_place(Placement *placements, size_t count);

static inline _unused_ void fds_donep(Fds *f)
{
        fds_done(f);
}
