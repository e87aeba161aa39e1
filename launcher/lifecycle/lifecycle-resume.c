/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lets a guest continue on request. QEMU's "cont" also succeeds for a sleeping guest, which stays asleep,
 * and for one whose disk is still full, which stops again within milliseconds. So QEMU is asked for the
 * state before and a moment after, and the request succeeds only if the guest runs then.
 */

#include "launcher/lifecycle/lifecycle-private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "util/text.h"

#define STEPS_MAX   3U                   /* continue, then wake: a sleeping guest may have been paused */
#define SETTLE_USEC (MONITOR_SECOND / 3) /* for requests to a disk to fail again */

struct Resume {
        Resume *next;
        Lifecycle *life;
        MonitorReply reply;
        void *userdata;
        sd_event_source *timer;
        unsigned steps;
};

static Resume *resume_free(Resume *q)
{
        if (q->life->monitor)
                monitor_forget(q->life->monitor, q);
        sd_event_source_disable_unref(q->timer);
        free(q);
        return NULL;
}

static void unlink_resume(Resume *q)
{
        for (Resume **p = &q->life->resumes; *p; p = &(*p)->next)
                if (*p == q) {
                        *p = q->next;
                        return;
                }
}

/* error is NULL where the guest runs. */
static void finish(Resume *q, const char *error)
{
        MonitorReply reply = q->reply;
        void *userdata = q->userdata;

        unlink_resume(q);
        reply(error ? NULL : json_true(), error, userdata);
        resume_free(q);
}

static void on_state(const json_t *result, const char *error, void *userdata);

static void execute(Resume *q, const char *command, MonitorReply reply)
{
        Lifecycle *l = q->life;
        const char *busy = lifecycle_why_busy(l);

        if (busy || !l->monitor)
                finish(q, busy ?: "the guest is about to end");
        else if (monitor_execute(l->monitor, command, NULL, reply, q, MONITOR_PATIENCE) < 0)
                finish(q, "QEMU does not take commands");
}

static int on_settled(sd_event_source *s, uint64_t usec, void *userdata)
{
        execute(userdata, "query-status", on_state);
        return 0;
}

static void on_done(const json_t *result, const char *error, void *userdata)
{
        Resume *q = userdata;

        if (!result) {
                finish(q, error);
                return;
        }
        (void) sd_event_source_set_time_relative(q->timer, SETTLE_USEC);
        (void) sd_event_source_set_enabled(q->timer, SD_EVENT_ONESHOT);
}

static void finish_stopped(Resume *q, const RunState *state)
{
        const char *trouble = q->life->trouble;
        _cleanup_(freep) char *text = text_format(
                q->steps == 0 ? "the guest cannot continue (%s)%s%s" : "the guest stopped again (%s)%s%s",
                state->text, trouble ? ": " : "", trouble ?: "");

        finish(q, text ?: state->text);
}

static void on_state(const json_t *result, const char *error, void *userdata)
{
        const RunState *state = run_state_find(json_string_value(json_object_get(result, "status")));
        Resume *q = userdata;
        bool wake = state->way == POWER_DOWN_WAKE;

        if (!result)
                finish(q, error);
        else if (state->running)
                finish(q, NULL);
        else if (
                (q->steps == 0 && (state->way == POWER_DOWN_CONTINUE || state->way == POWER_DOWN_TRY)) ||
                (wake && q->steps < STEPS_MAX)) {
                q->steps++;
                execute(q, wake ? "system_wakeup" : "cont", on_done);
        } else
                finish_stopped(q, state);
}

int lifecycle_resume(Lifecycle *l, MonitorReply reply, void *userdata)
{
        Resume *q;
        int r;

        if (lifecycle_why_busy(l))
                return -EBUSY;
        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        *q = (Resume){ .life = l, .reply = reply, .userdata = userdata };
        r = sd_event_add_time_relative(
                l->event, &q->timer, CLOCK_MONOTONIC, 0, SETTLE_USEC / 10, on_settled, q);
        if (r >= 0)
                r = sd_event_source_set_enabled(q->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = monitor_execute(l->monitor, "query-status", NULL, on_state, q, MONITOR_PATIENCE);
        if (r < 0) {
                resume_free(q);
                return r;
        }
        q->next = l->resumes;
        l->resumes = q;
        return 0;
}

void lifecycle_refuse_resumes(Lifecycle *l, const char *why)
{
        while (l->resumes)
                finish(l->resumes, why);
}

void lifecycle_forget_resumes(Lifecycle *l, const void *userdata)
{
        for (Resume **p = &l->resumes; *p;) {
                Resume *q = *p;

                if (!userdata || q->userdata == userdata) {
                        *p = q->next;
                        resume_free(q);
                } else
                        p = &q->next;
        }
}
