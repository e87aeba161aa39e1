/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Copies the disks of a running guest as they are at one point in time.
 *
 * All that QEMU needs for it is in batches that the launcher holds for the connection to the guest
 * (launcher/command/batch.h): wherever this process ends, the launcher ends the jobs, and removes the nodes,
 * the descriptors and the checkpoint of a backup that is not finished.
 *
 * A checkpoint is a persistent dirty bitmap of QEMU's with that name in each disk's qcow2 image: which parts
 * were written since. All of them are recording, so that an increment since any takes this one alone, and
 * removing one changes nothing for the others.
 */

#include <jansson.h>

#include "util/text.h"

/* What the caller lends: the guest's control socket, always by the same connection, and eyes. */
typedef struct BackupLink {
        /* Calls a method; takes parameters. 0 and its reply's parameters, to be released; or a negative
         * errno and why, a new string that can be shown, or NULL. */
        int (*call)(
                const char *method, json_t *parameters, int fd, json_t **ret, char **ret_why,
                void *userdata);
        void (*progress)(uint64_t done, uint64_t total, void *userdata); /* bytes */
        void (*note)(const char *text, void *userdata);  /* what went another way than usual */
        void (*wrote)(const char *name, void *userdata); /* a file in the directory, which is whole */
        void *userdata;
} BackupLink;

typedef struct BackupRequest {
        const char *directory;  /* where a push puts the files */
        const Strings *disks;   /* their targets; none: all that can be written */
        const char *checkpoint; /* that the backup begins, or NULL */
        const char *since;      /* the checkpoint that an increment begins at, or NULL */
        const char *socket;     /* where a pull has QEMU's NBD server listen */
        const char *remove;     /* the checkpoint that is to be deleted */
} BackupRequest;

typedef struct Backup Backup;

/* Both are borrowed. NULL if out of memory. */
Backup *backup_new(const BackupLink *link, const BackupRequest *request);
Backup *backup_free(Backup *b); /* returns NULL */

/*
 * All of these return 0 or a negative errno: -EINVAL if the request is wrong in itself, -ENOENT if it names
 * what the guest does not have, -EEXIST for what is there already, -EOPNOTSUPP for what the disk's format
 * cannot; the others are failures. backup_why() says it for people.
 */
int backup_push(Backup *b);

/* Begins a pull: QEMU serves the disks until backup_end_pull(); then finished says whether the client has
 * all, and the checkpoint is to last. */
int backup_begin_pull(Backup *b);
int backup_check_pull(Backup *b); /* whether QEMU still has all that the client can read */
int backup_end_pull(Backup *b, bool finished);

/* ret: {disk target: [checkpoint, …], …}, to be released. */
int backup_list(Backup *b, json_t **ret);

/* Removes a checkpoint from all disks that have it. */
int backup_delete(Backup *b);

/* The target of the disk with that index, NULL after the last: once they are chosen. */
const char *backup_target(const Backup *b, size_t index);

const char *backup_why(const Backup *b);

DEFINE_CLEANUP(Backup, backup_free);
