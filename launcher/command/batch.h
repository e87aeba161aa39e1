/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Commands for QEMU that belong together: all are carried out, or what was done is undone. */

#include "launcher/lifecycle/lifecycle.h"

typedef struct Batch Batch;

/* Those that run. Zero at first. */
typedef struct Batches {
        Batch *first;
        unsigned last; /* number of an fd set, or of a descriptor's name */
} Batches;

void batches_done(Batches *batches); /* before the lifecycle is freed */

/* results: QEMU's answers, an array that is borrowed; NULL on failure, with the number of the failed command
 * and the reason. */
typedef void (*BatchDone)(json_t *results, const char *error, size_t failed, void *userdata);

Batch *batch_new(void);      /* NULL if out of memory */
Batch *batch_free(Batch *b); /* only before it runs; returns NULL */

/* Adds a command. Takes over arguments (or NULL) and the descriptor (or -1), also on failure. */
int batch_add(Batch *b, const char *command, json_t *arguments, int fd);

/* What undoes the command added last, if a later one fails. Takes over arguments. */
int batch_undo(Batch *b, const char *command, json_t *arguments);

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

/* Nobody wants the results any more: after the current command, what was done is undone. */
void batch_abandon(Batch *b);

DEFINE_CLEANUP(Batch, batch_free);
