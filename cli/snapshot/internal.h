/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Snapshots inside of qcow2 images, with the memory of a guest that runs. */

#include "cli/snapshot/snapshot.h"

/*
 * Whether the guest can have one, of those disks, which have to be all that it writes. NULL, or why it
 * cannot; a constant.
 */
const char *internal_why_not(ChangeCall *c, const Snapshot *s);

typedef enum InternalAction {
        INTERNAL_SAVE,
        INTERNAL_LOAD,
        INTERNAL_DELETE, /* succeeds where there is none of that name */
} InternalAction;

/* Has QEMU do it with the snapshot's disks, and waits. Prints its own error messages; 0 or the exit status.
 * ret_unknown: nobody said whether it was done. */
int internal_run(ChangeCall *c, const Snapshot *s, InternalAction action, bool *ret_unknown);
