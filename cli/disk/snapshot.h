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
        bool json, tree;
} SnapshotCall;

int snapshot_create(const SnapshotCall *s);
int snapshot_list(const SnapshotCall *s);

/* All of the guest's; says which cannot be read. 0 or the exit status. */
int snapshot_load_all(const char *directory, Snapshots *ret);
