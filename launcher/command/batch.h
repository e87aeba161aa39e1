/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Commands for QEMU that belong together: all are carried out, or what was done is undone.
 *
 * A batch can be *held*: it has succeeded, and is undone when its client leaves, unless the client released
 * it before. So a client that copies a disk for an hour can be killed at any moment, and QEMU is left
 * without its job, its nodes and its descriptors. Several batches of one client add up, and are undone in
 * reverse.
 *
 * Where a job is undone by "job-cancel", what comes before it in the batch is undone only when the job is
 * gone, since the job uses it; a job that has ended by itself is dismissed.
 *
 * Three commands are the launcher's own, since clients must not give QEMU's (launcher/command/kept.h), or
 * QEMU has none:
 *
 *     hold-still   The guest stands still, at most STILL_SECONDS_MAX; it goes on when the batch ends, or if
 *                  that is held, when its client leaves. One that was paused before stays paused.
 *     go-on        ends that, and fails if the guest has moved before.
 *     guest-agent  {execute, arguments, timeout}: as the method Agent.
 */

#include "launcher/lifecycle/lifecycle.h"
#include "launcher/monitor/agent.h"

typedef struct Batch Batch;
typedef struct Step Step;

/* Those that run. Zero at first, except for event and agent. */
typedef struct Batches {
        sd_event *event;
        Agent *agent; /* or NULL */
        Batch *first;
        unsigned last; /* number of an fd set, or of a descriptor's name */
} Batches;

/* What one client holds. Zero at first. */
typedef struct Held {
        Step *steps;
        size_t count;
        unsigned still; /* lifecycle_hold_still()'s number, plus 1 */
} Held;

void batches_done(Batches *batches); /* before the lifecycle is freed */

/* To be told each of QEMU's events. */
void batches_event(Batches *batches, const json_t *event);

/* results: QEMU's answers, an array that is borrowed; NULL on failure, with the number of the failed command
 * and the reason. */
typedef void (*BatchDone)(json_t *results, const char *error, size_t failed, void *userdata);

Batch *batch_new(void);      /* NULL if out of memory */
Batch *batch_free(Batch *b); /* only before it runs; returns NULL */

/* Adds a command. Takes over arguments (or NULL) and the descriptor (or -1), also on failure. */
int batch_add(Batch *b, const char *command, json_t *arguments, int fd);

/* What undoes the command added last, if a later one fails; several are given in the order in which they are
 * added. Takes over arguments. */
int batch_undo(Batch *b, const char *command, json_t *arguments);

/* Names the command added last, and says that it does what would undo those named so. Copies; NULL for none.
 */
int batch_name(Batch *b, const char *name, const char *replaces);

/* Adds what makes the descriptor known to QEMU, and undoes that: by a name of its own, for the commands that
 * take over a descriptor by name. */
#define BATCH_NAME_MAX 32U
int batch_add_named(Batch *b, Batches *batches, int fd, char ret_name[static BATCH_NAME_MAX]);

/* Likewise in an fd set of its own, to be opened as /dev/fdset/NUMBER. */
int batch_add_set(Batch *b, Batches *batches, int fd, unsigned *ret_number);
int batch_remove_set(Batch *b, unsigned number);

/*
 * Takes the batch over, and calls done once, never before this returns, unless it is abandoned. If this
 * fails nothing was done, and done is not called.
 */
int batch_run(Batch *b, Batches *batches, Lifecycle *life, BatchDone done, void *userdata);

/*
 * The same for a client that may hold what it did; keep: whether this batch is held when it has succeeded.
 * -E2BIG if that would be too much. Only one batch of a client runs at a time.
 */
int batch_run_held(
        Batch *b, Batches *batches, Lifecycle *life, Held *held, bool keep, BatchDone done, void *userdata);

/* Nobody wants the results any more: after the current command, what was done is undone, and then what the
 * client held. */
void batch_abandon(Batch *b);

/* Forgets what is held without undoing it; a guest that stands still goes on. */
void held_release(Held *held, Lifecycle *life);

/* Undoes what is held, and calls done as above. After an error it is still held. ret: to be abandoned if the
 * client leaves meanwhile. */
int held_undo(Held *held, Batches *batches, Lifecycle *life, BatchDone done, void *userdata, Batch **ret);

/* The client left: undoes what it held. */
void held_abandon(Held *held, Batches *batches, Lifecycle *life);

DEFINE_CLEANUP(Batch, batch_free);
