/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Giving up root's privileges, in stages. */

#include <stdbool.h>
#include <stdint.h>

/* A set of capabilities: bits 1 << CAP_…. */
typedef uint64_t Capabilities;

#define CAPABILITY(name) (UINT64_C(1) << (name))

/* Whether there is anything to give up: false for a user's own guests, whose helpers run as that user. */
bool privileges_are_root(void);

/* The scope's directory of runtime files: "/run", or the user's; NULL if a user's is not known. */
const char *privileges_run_directory(void);

/* Whether the unit allows this capability, before anything is given up. */
bool privileges_may_keep(unsigned capability);

/*
 * Keeps only these capabilities, for good: the bounding and ambient sets are emptied, and executing a
 * program gains none. Processes that do not run as root lose all. Logs errors.
 */
int privileges_keep(Capabilities keep);

/* Drops those that were kept. Logs errors. */
int privileges_drop(void);

/* Becomes that user for good, with the groups that the user database has for it, and without any capability.
 * Logged. */
int privileges_become(unsigned uid, unsigned gid);
