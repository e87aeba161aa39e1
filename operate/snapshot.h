/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is known of a guest's snapshots beside their images: files of libvirt's format <domainsnapshot> in
 * NAME.snapshots/ beside the guest's XML. The images are described by the guest's definition; these files
 * say which of them belong to which snapshot, and how they were called for people.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/text.h"

#define SNAPSHOT_DIRECTORY ".snapshots" /* after the guest's name */
#define SNAPSHOT_NVRAM     ".nvram"     /* after a snapshot's: the firmware's variables that it keeps */
#define SNAPSHOTS_MAX      1024         /* of one guest */

/* Until QEMU has made an internal snapshot; it may have, where a process that was killed left this. */
#define SNAPSHOT_UNFINISHED "unfinished"

typedef struct SnapshotDisk {
        char *target;      /* "vda" */
        char *overlay;     /* the image that was put over it; NULL for an internal snapshot */
        char *base;        /* the image that holds the disk as it was */
        char *base_format; /* "raw", "qcow2" */
        char *former;      /* the <disk> as it was */
} SnapshotDisk;

typedef struct Snapshot {
        char *name, *description, *parent; /* the last two: or NULL */
        char *state;                       /* "running", "shutoff", "disk-snapshot", SNAPSHOT_UNFINISHED */
        uint64_t created;                  /* seconds since 1970 */
        uint64_t machine;                  /* of an internal one: operation_machine(); 0 if unknown */
        SnapshotDisk *disks;
        size_t n_disks;
} Snapshot;

typedef struct Snapshots {
        Snapshot *items; /* the oldest first */
        size_t count;
} Snapshots;

void snapshot_done(Snapshot *s);
void snapshots_done(Snapshots *s);

/* Adds a disk; copies all. 0 or -ENOMEM. */
int snapshot_add_disk(
        Snapshot *s, const char *target, const char *overlay, const char *base, const char *base_format,
        const char *former);

/* The disk has another image over, or under it. 0 or -ENOMEM. */
int snapshot_set_overlay(SnapshotDisk *d, const char *overlay);

const SnapshotDisk *snapshot_find_disk(const Snapshot *s, const char *target);
bool snapshot_is_internal(const Snapshot *s);

/* The directory of a guest's snapshots in the scope; NULL if out of memory. */
char *snapshots_directory(bool user_scope, const char *guest);

/* All of them; none if the directory does not exist. A file that is no snapshot is left out, and its name is
 * added to damaged. 0, or the error of the directory, or -ENOMEM. */
int snapshots_load(const char *directory, Snapshots *ret, Strings *damaged);

const Snapshot *snapshots_find(const Snapshots *s, const char *name);

/* The one whose overlay for some disk that is, or NULL. */
const Snapshot *snapshots_find_overlay(const Snapshots *s, const char *path);

/* Writes it, durably, and makes the directory. guest: for the XML. 0 or an error of files. */
int snapshot_save(const char *directory, const char *guest, const Snapshot *s);

/* With what it keeps. 0 or an error of files. The directory goes with the last one. */
int snapshot_remove(const char *directory, const char *name);
