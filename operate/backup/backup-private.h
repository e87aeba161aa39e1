/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of backups share. */

#include "operate/backup/backup.h"
#include "operate/backup/nodes.h"
#include "operate/backup/steps.h"
#include "operate/backup/target.h"

#define BACKUP_DISKS_MAX 32U
#define BACKUP_ID_MAX    16U

/* One disk of the backup. */
typedef struct BackupDisk {
        DiskNode disk;
        Target target;                /* what is written: a backup's file, or a pull's scratch file */
        char *base;                   /* the name of the file that an increment builds on, or NULL */
        char job[BACKUP_ID_MAX + 32]; /* the journal shows it as the disk's name */
        char id[BACKUP_ID_MAX + 4];   /* the image's node: QEMU allows 31 characters */
        char file[BACKUP_ID_MAX + 8]; /* the node of its file */
        char set[BACKUP_ID_MAX + 8];  /* the step that makes its fd set */
        uint64_t done, total;
} BackupDisk;

struct Backup {
        const BackupLink *link;
        const BackupRequest *request;
        char id[BACKUP_ID_MAX]; /* no other backup has it */
        DiskNodes nodes;
        BackupDisk disks[BACKUP_DISKS_MAX];
        size_t n_disks;
        int directory;
        bool frozen;
        bool listens; /* the request's socket was made */
        char *why;
};

/* Keeps the text as the reason and returns error. */
int backup_fail(Backup *b, int error, const char *format, ...) _printf_(3, 4);

/* Takes parameters; fd: a descriptor to send along, or -1. */
int backup_call(Backup *b, const char *method, json_t *parameters, int fd, json_t **ret);

/* Has the launcher execute the commands, which are taken; hold: until the connection ends. */
int backup_execute(Backup *b, json_t *commands, bool hold, int fd, json_t **ret_results);

/* Reads which disks there are. */
int backup_read_nodes(Backup *b);

/* Does so, and chooses those of the request. */
int backup_choose(Backup *b);

/* Makes an empty image in each target; over_disks: which has the disk behind it. */
int backup_make_images(Backup *b, bool over_disks);
int backup_remove_images(Backup *b); /* and the jobs, which have ended */

/* Adds what the transaction does for the checkpoint, and what undoes that. */
void backup_add_checkpoint(Backup *b, json_t *actions, json_t *undo);

/* Copies from this point in time on, for which the guest agent quiets the guest if it answers. actions and
 * undo, which are taken: of the transaction. */
int backup_start(Backup *b, json_t *actions, json_t *undo);

/* 1 if the jobs of all disks have ended well, 0 if not yet. */
int backup_look(Backup *b);

/* Waits for that; shown: with progress. */
int backup_wait(Backup *b, bool shown);

/* Has the checkpoint, which was recorded for this backup alone, last beyond QEMU's end. hold: until the
 * connection ends, in place of what was recorded; else for good, and that is still there. */
int backup_keep_checkpoint(Backup *b, bool hold);

/* What is held lasts from now on, or is undone. */
int backup_release(Backup *b, bool undo);
