/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs of vmctl snapshot share. */

#include "cli/change/apply.h"
#include "operate/layers.h"
#include "operate/overlay.h"
#include "operate/snapshot.h"

/* As the command line asks for it. */
typedef struct SnapshotCall {
        Call call; /* whose words are the guest's name */
        const char *name, *description;
        Strings disks; /* TARGET, or TARGET=PATH; none: all */
        bool json, tree, internal, disk_only, force;
} SnapshotCall;

int snapshot_create(const SnapshotCall *s);
int snapshot_delete(const SnapshotCall *s);
int snapshot_list(const SnapshotCall *s);
int snapshot_revert(const SnapshotCall *s);

/* A snapshot of a guest, for the verbs that change one. */
typedef struct SnapshotChange {
        ChangeCall change;
        char *directory; /* of the snapshots' files */
        Snapshots all;
        Snapshot *snapshot;
} SnapshotChange;

/* Starts a change, and finds the snapshot that the call names. Prints its own error messages; 0 or the exit
 * status. snapshot_change_done() is required in each case. */
int snapshot_change_start(const SnapshotCall *s, SnapshotChange *ret);
/* Whether QEMU can be told about the snapshot, which is an internal one; says why not. 0 or the exit status.
 */
int snapshot_check_internal(SnapshotChange *c);
void snapshot_change_done(SnapshotChange *c);

/* That no snapshot has one of those n images under its overlay, or one of the first of them as that: those
 * go with vmctl snapshot delete. Says which has. 0 or the exit status. */
int snapshot_check_chain(
        const Snapshots *all, const char *target, const ChainImage *chain, size_t n, size_t n_overlays);

/* All of the guest's; says which cannot be read. 0 or the exit status. */
int snapshot_load_all(const char *directory, Snapshots *ret);
