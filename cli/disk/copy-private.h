/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of vmctl copy-disk share. */

#include <stdint.h>
#include <sys/stat.h>

#include "cli/image/job.h"
#include "operate/backup/target.h"

typedef struct Copy {
        Call inner; /* which changes the guest for good */
        char *words[2];
        const char *target;
        bool pivot, block;
        uint64_t speed;
        char *format;
        char *path;   /* without links */
        char *source; /* of the disk's newest image */
        struct stat like;
        uint64_t size;
        int lock, directory;
        int exclusive;          /* the block device, so that nothing else on the host takes it meanwhile */
        Target file;            /* the block device has a descriptor only */
        json_t *storage, *node; /* QEMU's nodes: of the file, and of its format, NULL for raw */
        char *image, *top;      /* QEMU's node of the disk, and what the guest has, with limits above it */
        unsigned set;
        DiskJob job;
} Copy;

/* All of these print their own error messages, and return 0 or the exit status. */

/* Finds what the path names: the device, or the directory of a file that must not exist. */
int copy_find_target(Copy *c, const char *path);

/* That in the system scope only root can put another file in the place of the copy, which root opens. */
int copy_check_way(const Copy *c);

/* Creates the file, or opens the device. */
int copy_open_target(Copy *c);

/* Has QEMU copy, until both are alike. */
int copy_run(Copy *c);

/* Has QEMU remove the copy with that fd set, and end the job before, if it is not NULL. */
int copy_remove(Copy *c, const char *job, unsigned set);
