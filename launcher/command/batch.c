/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A change of a running guest takes several commands, and any can fail, or the client that wants them can
 * be killed. So each command has another one that undoes it, and if one fails those before it are undone in
 * reverse. A client that leaves does not get what it asked for: it may not have learned what was done.
 *
 * A command without an answer in time counts as failed; it is undone as well, since QEMU may have carried it
 * out.
 */

#include "launcher/command/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "contract/limits.h"
#include "log/log.h"
#include "util/text.h"

#define FIRST_SET 1000000000U /* far from those of QEMU's command line, which begin at 1 */
#define SETS      1000000U

typedef struct Step {
        char *command, *undo;
        json_t *arguments, *undo_arguments;
        int fd;
} Step;

struct Batch {
        Batch *next;
        Batches *batches;
        Lifecycle *life;
        Step *steps;
        size_t count;
        size_t at; /* the step that runs, or that is being undone */
        json_t *results;
        char *error;
        size_t failed;
        BatchDone done;
        void *userdata;
        bool abandoned, finished;
};

Batch *batch_new(void)
{
        Batch *b = calloc(1, sizeof(*b));

        if (!b)
                return NULL;
        b->results = json_array();
        return b->results ? b : batch_free(b);
}

Batch *batch_free(Batch *b)
{
        if (!b)
                return NULL;
        for (size_t i = 0; i < b->count; i++) {
                Step *s = &b->steps[i];

                free(s->command);
                free(s->undo);
                json_decref(s->arguments);
                json_decref(s->undo_arguments);
                (void) fd_close(s->fd);
        }
        free(b->steps);
        json_decref(b->results);
        free(b->error);
        free(b);
        return NULL;
}

void batches_done(Batches *batches)
{
        while (batches->first) {
                Batch *b = batches->first;

                batches->first = b->next;
                lifecycle_forget(b->life, b);
                batch_free(b);
        }
}

int batch_add(Batch *b, const char *command, json_t *arguments, int fd)
{
        Step *steps =
                b->count < CONTROL_STEPS_MAX ? realloc(b->steps, (b->count + 1) * sizeof(*steps)) : NULL;
        char *copy = strdup(command);

        if (steps)
                b->steps = steps;
        if (!steps || !copy) {
                free(copy);
                json_decref(arguments);
                (void) fd_close(fd);
                return b->count < CONTROL_STEPS_MAX ? -ENOMEM : -E2BIG;
        }
        b->steps[b->count++] = (Step){ .command = copy, .arguments = arguments, .fd = fd };
        return 0;
}

int batch_undo(Batch *b, const char *command, json_t *arguments)
{
        Step *s = &b->steps[b->count - 1];

        s->undo_arguments = arguments;
        s->undo = strdup(command);
        return s->undo ? 0 : -ENOMEM;
}

int batch_add_named(Batch *b, Batches *batches, int fd, char ret_name[static BATCH_NAME_MAX])
{
        int r;

        (void) snprintf(ret_name, BATCH_NAME_MAX, "vmunit-%u", batches->last++);
        r = batch_add(b, "getfd", json_pack("{s:s}", "fdname", ret_name), fd);
        return r < 0 ? r : batch_undo(b, "closefd", json_pack("{s:s}", "fdname", ret_name));
}

static json_t *set_arguments(unsigned number)
{
        return json_pack("{s:I}", "fdset-id", (json_int_t) number);
}

int batch_add_set(Batch *b, Batches *batches, int fd, unsigned *ret_number)
{
        unsigned number = FIRST_SET + batches->last++ % SETS;
        int r = batch_add(b, "add-fd", set_arguments(number), fd);

        if (r >= 0)
                r = batch_undo(b, "remove-fd", set_arguments(number));
        if (r >= 0)
                *ret_number = number;
        return r;
}

int batch_remove_set(Batch *b, unsigned number)
{
        return batch_add(b, "remove-fd", set_arguments(number), -1);
}

/* The last thing that is done with b. */
static void end(Batch *b)
{
        for (Batch **p = &b->batches->first; *p; p = &(*p)->next)
                if (*p == b) {
                        *p = b->next;
                        break;
                }
        if (!b->abandoned)
                b->done(b->finished ? b->results : NULL, b->error ?: "out of memory", b->failed,
                        b->userdata);
        batch_free(b);
}

static void undo_next(Batch *b);

static void on_undone(const json_t *result, const char *error, void *userdata)
{
        Batch *b = userdata;

        if (!result)
                log_warning("QEMU failed to undo %s: %s", b->steps[b->at].command, error);
        undo_next(b);
}

static void undo_next(Batch *b)
{
        while (b->at > 0) {
                Step *s = &b->steps[--b->at];

                if (s->undo &&
                    lifecycle_execute(b->life, s->undo, TAKE_PTR(s->undo_arguments), -1, on_undone, b) >= 0)
                        return;
        }
        end(b);
}

/* Undoes the first n steps. */
static void fail(Batch *b, const char *error, size_t n)
{
        b->error = strdup(error);
        b->failed = b->at;
        b->at = n;
        undo_next(b);
}

static void on_done(const json_t *result, const char *error, void *userdata);

static int run_next(Batch *b)
{
        Step *s = &b->steps[b->at];

        return lifecycle_execute(b->life, s->command, TAKE_PTR(s->arguments), s->fd, on_done, b);
}

static void on_done(const json_t *result, const char *error, void *userdata)
{
        Batch *b = userdata;

        if (!result) {
                /* one that has no answer yet may still be carried out */
                fail(b, error, b->at + streq(error, "timed out"));
                return;
        }
        (void) json_array_append(b->results, (json_t *) result);
        b->steps[b->at].fd = fd_close(b->steps[b->at].fd);
        b->at++;
        if (b->abandoned)
                undo_next(b);
        else if (b->at == b->count) {
                b->finished = true;
                end(b);
        } else if (run_next(b) < 0)
                fail(b, "QEMU does not take commands", b->at);
}

int batch_run(Batch *b, Batches *batches, Lifecycle *life, BatchDone done, void *userdata)
{
        int r;

        b->batches = batches;
        b->life = life;
        b->done = done;
        b->userdata = userdata;
        r = b->count > 0 ? run_next(b) : -EINVAL;
        if (r < 0) {
                batch_free(b);
                return r;
        }
        b->next = batches->first;
        batches->first = b;
        return 0;
}

void batch_abandon(Batch *b)
{
        b->abandoned = true;
}
