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

/*
 * Enters the network and the mounts of the host's first process where these are not the caller's already.
 * Needs all of root's privileges, and is to come first. Failures are logged.
 */
int privileges_enter_host(void);

/*
 * Keeps these capabilities and no other, in no set, and never again: the bounding and ambient sets are
 * emptied, and no program that is executed gains any. For who is not root, all of them go. Failures are
 * logged.
 */
int privileges_keep(Capabilities keep);

/* Becomes that user for good, with the groups that the user database has for it, and without any capability.
 * Logged. */
int privileges_become(unsigned uid, unsigned gid);
