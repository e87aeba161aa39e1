/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A change of a running guest takes several commands, and any can fail, or the client that wants them can
 * be killed. So each command has others that undo it, and if one fails those before it are undone in
 * reverse. A client that leaves does not get what it asked for: it may not have learned what was done.
 *
 * A command without an answer in time counts as failed; it is undone as well, since QEMU may have carried it
 * out.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "contract/limits.h"
#include "launcher/command/batch-private.h"
#include "log/log.h"
#include "util/text.h"

#define FIRST_SET 1000000000U /* far from those of QEMU's command line, which begin at 1 */
#define SETS      1000000U

Batch *batch_new(void)
{
        Batch *b = calloc(1, sizeof(*b));

        if (!b)
                return NULL;
        b->results = json_array();
        return b->results ? b : batch_free(b);
}

static void forget_undo(Step *s)
{
        for (size_t i = 0; i < s->n_undo; i++) {
                free(s->undo[i].command);
                json_decref(s->undo[i].arguments);
        }
        free(s->undo);
        s->undo = NULL;
        s->n_undo = 0;
}

static void step_done(Step *s)
{
        forget_undo(s);
        free(s->command);
        free(s->name);
        free(s->replaces);
        json_decref(s->arguments);
        (void) fd_close(s->fd);
}

void steps_free(Step *steps, size_t count)
{
        for (size_t i = 0; i < count; i++)
                step_done(&steps[i]);
        free(steps);
}

void steps_forget(Step *steps, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (steps[i].name && streq(steps[i].name, name))
                        forget_undo(&steps[i]);
}

Batch *batch_free(Batch *b)
{
        if (!b)
                return NULL;
        steps_free(b->steps, b->count);
        steps_free(b->then.steps, b->then.count);
        sd_event_source_disable_unref(b->timer);
        json_decref(b->results);
        free(b->error);
        free(b->job);
        free(b);
        return NULL;
}

void batches_done(Batches *batches)
{
        while (batches->first) {
                Batch *b = batches->first;

                batches->first = b->next;
                lifecycle_forget(b->life, b);
                if (batches->agent)
                        agent_forget(batches->agent, b);
                batch_free(b);
        }
}

void batches_event(Batches *batches, const json_t *event)
{
        const char *name = json_string_value(json_object_get(event, "event"));
        const char *job = json_string_value(json_object_get(json_object_get(event, "data"), "id"));

        if (!name || !job || !streq(name, "JOB_STATUS_CHANGE"))
                return;
        for (Batch *b = batches->first, *next; b; b = next) {
                next = b->next;
                batch_job_changed(b, job);
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
        Undo *bigger =
                s->n_undo < CONTROL_STEPS_MAX ? realloc(s->undo, (s->n_undo + 1) * sizeof(*bigger)) : NULL;
        char *copy = strdup(command);

        if (bigger)
                s->undo = bigger;
        if (!bigger || !copy) {
                free(copy);
                json_decref(arguments);
                return s->n_undo < CONTROL_STEPS_MAX ? -ENOMEM : -E2BIG;
        }
        s->undo[s->n_undo++] = (Undo){ .command = copy, .arguments = arguments };
        return 0;
}

int batch_name(Batch *b, const char *name, const char *replaces)
{
        Step *s = &b->steps[b->count - 1];

        s->name = name ? strdup(name) : NULL;
        s->replaces = replaces ? strdup(replaces) : NULL;
        return (name && !s->name) || (replaces && !s->replaces) ? -ENOMEM : 0;
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

void batch_link(Batch *b)
{
        b->next = b->batches->first;
        b->batches->first = b;
}

void batch_end(Batch *b)
{
        for (Batch **p = &b->batches->first; *p; p = &(*p)->next)
                if (*p == b) {
                        *p = b->next;
                        break;
                }
        if (!b->abandoned && b->done)
                b->done(b->finished ? b->results : NULL, b->error ?: "out of memory", b->failed,
                        b->userdata);
        batch_free(b);
}

/* Undoes the first n steps. */
static void fail(Batch *b, const char *error, size_t n)
{
        b->error = strdup(error);
        b->failed = b->at;
        b->at = n;
        batch_undo_next(b);
}

unsigned *batch_still(Batch *b)
{
        return b->held ? &b->held->still : &b->then.still;
}

static bool has_step(const Batch *b, const char *command)
{
        for (size_t i = 0; i < b->count; i++)
                if (streq(b->steps[i].command, command))
                        return true;
        return false;
}

/* The client holds its steps from now on; there is room for them. */
static void keep(Batch *b)
{
        memcpy(b->held->steps + b->held->count, b->steps, b->count * sizeof(*b->steps));
        b->held->count += b->count;
        free(b->steps);
        b->steps = NULL;
        b->count = 0;
}

static void succeed(Batch *b)
{
        b->finished = true;
        if (b->keep)
                keep(b);
        else if (has_step(b, "hold-still"))
                own_let_go(b->life, batch_still(b));
        batch_end(b);
}

static void on_done(const json_t *result, const char *error, void *userdata);

static int run_next(Batch *b)
{
        Step *s = &b->steps[b->at];

        return own_execute(b, batch_still(b), s->command, TAKE_PTR(s->arguments), s->fd, on_done);
}

static void on_done(const json_t *result, const char *error, void *userdata)
{
        Batch *b = userdata;
        Step *s = &b->steps[b->at];

        if (!result) {
                /* one that has no answer yet may still be carried out */
                fail(b, error, b->at + streq(error, "timed out"));
                return;
        }
        (void) json_array_append(b->results, (json_t *) result);
        s->fd = fd_close(s->fd);
        if (s->replaces) {
                steps_forget(b->steps, b->at, s->replaces);
                steps_forget(b->then.steps, b->then.count, s->replaces);
                if (b->held)
                        steps_forget(b->held->steps, b->held->count, s->replaces);
        }
        b->at++;
        if (b->abandoned)
                batch_undo_next(b);
        else if (b->at == b->count)
                succeed(b);
        else if (run_next(b) < 0)
                fail(b, "QEMU does not take commands", b->at);
}

int batch_run_held(
        Batch *b, Batches *batches, Lifecycle *life, Held *held, bool keep, BatchDone done, void *userdata)
{
        int r = b->count > 0 ? 0 : -EINVAL;

        b->batches = batches;
        b->life = life;
        b->held = held;
        b->keep = keep;
        b->done = done;
        b->userdata = userdata;
        if (r >= 0 && keep) {
                size_t count = held->count + b->count;
                Step *bigger =
                        count <= HELD_STEPS_MAX ? realloc(held->steps, count * sizeof(*bigger)) : NULL;

                if (bigger)
                        held->steps = bigger;
                else
                        r = count <= HELD_STEPS_MAX ? -ENOMEM : -E2BIG;
        }
        if (r >= 0)
                r = run_next(b);
        if (r < 0)
                batch_free(b);
        else
                batch_link(b);
        return r;
}

int batch_run(Batch *b, Batches *batches, Lifecycle *life, BatchDone done, void *userdata)
{
        return batch_run_held(b, batches, life, NULL, false, done, userdata);
}

void batch_abandon(Batch *b)
{
        b->abandoned = true;
        if (b->held) {
                b->then = *b->held;
                *b->held = (Held){ 0 };
                b->held = NULL;
        }
}
