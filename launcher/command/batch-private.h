/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What batch.c, which carries out, and batch-undo.c, which takes back, share. */

#include <systemd/sd-event.h>

#include "launcher/command/batch.h"

typedef struct Undo {
        char *command;
        json_t *arguments;
} Undo;

struct Step {
        char *command, *name, *replaces;
        json_t *arguments;
        Undo *undo;
        size_t n_undo;
        int fd;
};

struct Batch {
        Batch *next;
        Batches *batches;
        Lifecycle *life;
        Held *held; /* the client's; NULL if nothing stays, or the client is gone */
        Held then;  /* of a client that is gone: to be undone after the batch itself */
        Step *steps;
        size_t count;
        size_t at;     /* the step that runs, or that is being undone */
        size_t undone; /* how many of its undo commands have been given */
        json_t *results;
        char *error;
        size_t failed;
        BatchDone done;
        void *userdata;
        bool keep; /* when it succeeds, what would undo it is held */
        bool abandoned, finished;
        char *job;              /* that is cancelled and has not ended yet */
        bool cancelled;         /* QEMU has answered that */
        bool asks, asks_again;  /* for it; and an event came meanwhile */
        sd_event_source *timer; /* how long it is waited for */
        const char *own_error;  /* of a command that is not QEMU's; a constant */
        MonitorReply own_reply;
};

/* Undoes what comes before step b->at, the last first, and then what the client held; then ends. */
void batch_undo_next(Batch *b);

/* QEMU has a new state of a job. */
void batch_job_changed(Batch *b, const char *job);

/* The last thing that is done with the batch. */
void batch_end(Batch *b);

/* The number of the hold on the guest that its client has, see Held. */
unsigned *batch_still(Batch *b);

/* Of those that run. */
void batch_link(Batch *b);

void steps_free(Step *steps, size_t count);

/* Drops what undoes the steps of that name: it has been done. */
void steps_forget(Step *steps, size_t count, const char *name);

/*
 * Gives QEMU a command, or carries out one of the launcher's own: those that concern the guest agent, or
 * decide whether the guest runs. As lifecycle_execute(); still: the number of the client's hold on the
 * guest, 0 if it has none.
 */
int own_execute(
        Batch *b, unsigned *still, const char *command, json_t *arguments, int fd, MonitorReply reply);

/* Lets the guest go on if it stands still for a client that is done. */
void own_let_go(Lifecycle *life, unsigned *still);
