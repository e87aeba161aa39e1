/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Takes back what a batch did, and what a client held that left. Nobody is there any more to be told of a
 * failure, so it is logged, and the rest is undone all the same.
 *
 * QEMU answers "job-cancel" before the job has ended, and the nodes that the job uses cannot be deleted
 * until then. So the job is asked for after each of its events. One that ended before, by itself, stays in
 * QEMU's list if its client wanted that, until it is dismissed.
 */

#include <errno.h>
#include <stdlib.h>

#include "contract/limits.h"
#include "launcher/command/batch-private.h"
#include "log/log.h"
#include "util/text.h"

static void on_undone(const json_t *result, const char *error, void *userdata)
{
        Batch *b = userdata;

        if (!result)
                log_warning("QEMU failed to undo %s: %s", b->steps[b->at - 1].command, error);
        batch_undo_next(b);
}

/* ——— jobs ——— */

static void job_is_gone(Batch *b)
{
        free(b->job);
        b->job = NULL;
        b->cancelled = b->asks = b->asks_again = false;
        b->timer = sd_event_source_disable_unref(b->timer);
        batch_undo_next(b);
}

static void on_dismissed(const json_t *result, const char *error, void *userdata)
{
        job_is_gone(userdata);
}

/* The job's status, or NULL if QEMU has none of that name. */
static const char *find_job(const json_t *jobs, const char *name)
{
        const json_t *job;
        size_t i;

        json_array_foreach(jobs, i, job)
                if (streq_null(json_string_value(json_object_get(job, "id")), name))
                        return json_string_value(json_object_get(job, "status"));
        return NULL;
}

static void ask_for_job(Batch *b);

static void on_jobs(const json_t *result, const char *error, void *userdata)
{
        Batch *b = userdata;
        const char *status = find_job(result, b->job);

        b->asks = false;
        if (status && !streq(status, "concluded")) {
                if (b->asks_again)
                        ask_for_job(b);
                return;
        }
        if (!status ||
            lifecycle_execute(
                    b->life, "job-dismiss", json_pack("{s:s}", "id", b->job), -1, on_dismissed, b) < 0)
                job_is_gone(b);
        else
                b->asks = true; /* nothing is asked any more */
}

/* One question at a time: when the job is gone, no answer must be due. */
static void ask_for_job(Batch *b)
{
        b->asks_again = b->asks;
        if (b->asks)
                return;
        b->asks = lifecycle_execute(b->life, "query-jobs", NULL, -1, on_jobs, b) >= 0;
        if (!b->asks)
                job_is_gone(b);
}

void batch_job_changed(Batch *b, const char *job)
{
        if (b->job && b->cancelled && streq(b->job, job))
                ask_for_job(b);
}

static void on_cancelled(const json_t *result, const char *error, void *userdata)
{
        Batch *b = userdata;

        b->cancelled = true;
        ask_for_job(b);
}

static int on_limit(sd_event_source *s, uint64_t usec, void *userdata)
{
        Batch *b = userdata;

        log_warning("QEMU's job %s did not end within %u s after it was cancelled.", b->job, JOB_PATIENCE);
        lifecycle_forget(b->life, b);
        job_is_gone(b);
        return 0;
}

/* Takes arguments. */
static int cancel_job(Batch *b, json_t *arguments)
{
        int r;

        b->job = strdup(json_string_value(json_object_get(arguments, "id")) ?: "");
        r = b->job ? sd_event_add_time_relative(
                             b->batches->event, &b->timer, CLOCK_MONOTONIC, JOB_PATIENCE * MONITOR_SECOND,
                             MONITOR_SECOND, on_limit, b)
                   : -ENOMEM;
        if (r < 0)
                json_decref(arguments);
        else
                r = lifecycle_execute(b->life, "job-cancel", arguments, -1, on_cancelled, b);
        if (r < 0) {
                free(b->job);
                b->job = NULL;
                b->timer = sd_event_source_disable_unref(b->timer);
        }
        return r;
}

/* ——— steps ——— */

static int undo(Batch *b, Undo *u)
{
        unsigned *still = batch_still(b);
        json_t *arguments = TAKE_PTR(u->arguments);

        if (streq(u->command, "job-cancel"))
                return cancel_job(b, arguments);
        if (streq(u->command, "go-on") && *still == 0)
                return -ENOENT; /* it does so already */
        return own_execute(b, still, u->command, arguments, -1, on_undone);
}

/* What the client held comes last. */
static bool take_held(Batch *b)
{
        if (b->then.count == 0)
                return false;
        steps_free(b->steps, b->count);
        b->steps = b->then.steps;
        b->count = b->at = b->then.count;
        b->then.steps = NULL;
        b->then.count = 0;
        return true;
}

void batch_undo_next(Batch *b)
{
        do
                while (b->at > 0) {
                        Step *s = &b->steps[b->at - 1];

                        if (b->undone == s->n_undo) {
                                b->undone = 0;
                                b->at--;
                        } else if (undo(b, &s->undo[b->undone++]) >= 0)
                                return;
                }
        while (take_held(b));
        if (!b->held)
                own_let_go(b->life, &b->then.still);
        batch_end(b);
}

static Batch *make(Held *held, Batches *batches, Lifecycle *life)
{
        Batch *b = batch_new();

        if (!b)
                return NULL;
        b->batches = batches;
        b->life = life;
        b->then = *held;
        *held = (Held){ 0 };
        batch_link(b);
        return b;
}

static void on_begun(const json_t *result, const char *error, void *userdata)
{
        batch_undo_next(userdata);
}

int held_undo(Held *held, Batches *batches, Lifecycle *life, BatchDone done, void *userdata, Batch **ret)
{
        Batch *b = make(held, batches, life);
        int r;

        if (!b)
                return -ENOMEM;
        r = lifecycle_execute(life, "query-status", NULL, -1, on_begun, b); /* done is not called in here */
        if (r < 0) {
                *held = b->then;
                b->then = (Held){ 0 };
                batch_end(b);
                return r;
        }
        b->done = done;
        b->userdata = userdata;
        b->finished = true;
        *ret = b;
        return 0;
}

void held_abandon(Held *held, Batches *batches, Lifecycle *life)
{
        Batch *b;

        if (held->count == 0 && held->still == 0) {
                steps_free(held->steps, 0); /* room for some */
                *held = (Held){ 0 };
                return;
        }
        log_info("A client left; undoing what it held.");
        b = make(held, batches, life);
        if (b)
                batch_undo_next(b);
        else
                log_out_of_memory();
}

void held_release(Held *held, Lifecycle *life)
{
        steps_free(held->steps, held->count);
        own_let_go(life, &held->still);
        *held = (Held){ 0 };
}
