/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A job of QEMU's with the images of a disk, as vmctl's verbs begin it, wait for it and end it. */

#include "cli/running/client.h"

typedef struct DiskJob {
        const Call *call;
        const char *target;
        const char *what;  /* "merge images of", for messages about the guest */
        const char *doing; /* "merging images of", for progress of the disk */
        char *id;          /* of the job */
        Client client;     /* which holds it */
        Client still;      /* which has the guest stand still */
} DiskJob;

/* Connects. All of these print their own error messages, and return 0 or the exit status. */
int job_open(DiskJob *j);
void job_done(DiskJob *j);

int job_execute(DiskJob *j, json_t *commands, bool hold, ClientFds fds, json_t **ret);

/* What the connection holds lasts, or is undone now. */
int job_release(DiskJob *j, bool undo);

/* Asks QEMU one question; job_answer() finds the answer in the reply, which also has what the launcher knows
 * of disks. */
int job_query(DiskJob *j, const char *command, json_t **ret);
const json_t *job_answer(const json_t *reply, const char *command);

/* Waits until the job has that status; alike: and has nothing left to copy, which must not take long. Shows
 * progress on a terminal. */
int job_wait(DiskJob *j, const char *status, bool alike);

/* The guest stands still until `still` ends, for a few seconds at most. */
int job_hold_still(DiskJob *j);

/* That it still does. */
int job_check_still(DiskJob *j);

/* It goes on now. The end of the connection would do that as well, but nobody would wait for it, and what an
 * operator does next, such as a save, would find it under way. */
void job_let_go_on(DiskJob *j);

/* Has QEMU write what it keeps of an image in memory, before another could start on that. */
int job_flush(DiskJob *j, const char *node);

/* Ends a job of that id that was left by a process that was killed. */
int job_end_old(DiskJob *j);

/* [{"execute": COMMAND, "arguments": {"id": the job}}] */
json_t *job_command(const DiskJob *j, const char *command);

/* A string of the object, "" if it has none. */
const char *json_text(const json_t *object, const char *key);

/* fd is the file that the launcher gave QEMU as that layer of the disk; path: for the message. */
int job_check_file(const DiskJob *j, const json_t *layer, const char *path, int fd);
