/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lets a guest continue on request. QEMU's "cont" also succeeds for a sleeping guest, which stays asleep,
 * and for one whose disk is still full, which stops again within milliseconds. So QEMU is asked for the
 * state before and a moment after, and the request succeeds only if the guest runs then.
 *
 * Has a guest stand still for a moment, while a client copies what belongs together. It continues when all
 * who wanted that are done, but only if it was running when the first of them came and nobody has paused it
 * since: an operator's pause outlasts theirs.
 *
 * What decides more about the guest goes first: a power-down or a restart lets the guest run at once, and so
 * does the end of the time that a client has. Each of these starts a new number, so that a client that is
 * not done by then is told that the guest has moved. A resume, though, would spoil the client's work for
 * nothing: it is refused.
 */

#include "launcher/lifecycle/lifecycle-private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "contract/limits.h"
#include "log/log.h"
#include "util/text.h"

#define STEPS_MAX   3U /* continue, then wake: a sleeping guest may have been paused */
#define WHY_MOVED   "the guest did not stand still all the time"
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
        else if (lifecycle_why_still(q->life))
                finish(q, lifecycle_why_still(q->life));
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

/* ——— standing still ——— */

struct StillRequest {
        StillRequest *next;
        Lifecycle *life;
        MonitorReply reply;
        void *userdata;
        unsigned number;
        const char *error; /* the reply, whatever QEMU says; a constant */
};

static void request_free(StillRequest *q)
{
        for (StillRequest **p = &q->life->still.requests; *p; p = &(*p)->next)
                if (*p == q) {
                        *p = q->next;
                        break;
                }
        if (q->life->monitor)
                monitor_forget(q->life->monitor, q);
        free(q);
}

void lifecycle_forget_stills(Lifecycle *l, const void *userdata)
{
        for (StillRequest *q = l->still.requests, *next; q; q = next) {
                next = q->next;
                if (!userdata || q->userdata == userdata)
                        request_free(q);
        }
}

static int request(
        Lifecycle *l, const char *command, MonitorReply on_still_reply, const char *error,
        MonitorReply reply, void *userdata)
{
        StillRequest *q = calloc(1, sizeof(*q));
        int r;

        if (!q)
                return -ENOMEM;
        *q = (StillRequest){
                .next = l->still.requests,
                .life = l,
                .reply = reply,
                .userdata = userdata,
                .number = l->still.number,
                .error = error,
        };
        l->still.requests = q;
        r = monitor_execute(l->monitor, command, NULL, on_still_reply, q, MONITOR_PATIENCE);
        if (r < 0)
                request_free(q);
        return r;
}

static void on_still_reply(const json_t *result, const char *error, void *userdata)
{
        StillRequest *q = userdata;
        MonitorReply reply = q->reply;
        void *to = q->userdata;

        if (q->error)
                error = q->error;
        request_free(q);
        if (reply)
                reply(error ? NULL : result, error, to);
        else if (error)
                log_warning("Failed to let the guest go on: %s", error);
}

void lifecycle_break_still(Lifecycle *l)
{
        l->still.number++;
        l->still.holders = 0;
        l->still.ours = false;
        if (l->still.timer)
                (void) sd_event_source_set_enabled(l->still.timer, SD_EVENT_OFF);
}

static int on_limit(sd_event_source *s, uint64_t usec, void *userdata)
{
        Lifecycle *l = userdata;
        bool ours = l->still.ours;

        log_warning(
                "A client had the guest stand still for %u s; letting the guest continue.",
                STILL_SECONDS_MAX);
        lifecycle_break_still(l);
        if (ours && l->phase == PHASE_LIVING && l->monitor)
                (void) monitor_execute(l->monitor, "cont", NULL, NULL, NULL, MONITOR_PATIENCE);
        return 0;
}

static int start_timer(Lifecycle *l)
{
        uint64_t usec = STILL_SECONDS_MAX * MONITOR_SECOND;
        int r;

        if (!l->still.timer)
                return sd_event_add_time_relative(
                        l->event, &l->still.timer, CLOCK_MONOTONIC, usec, MONITOR_SECOND / 10, on_limit, l);
        r = sd_event_source_set_time_relative(l->still.timer, usec);
        return r < 0 ? r : sd_event_source_set_enabled(l->still.timer, SD_EVENT_ONESHOT);
}

static void drop_holder(Lifecycle *l)
{
        if (l->still.holders > 0 && --l->still.holders > 0)
                return;
        l->still.ours = false;
        if (l->still.timer)
                (void) sd_event_source_set_enabled(l->still.timer, SD_EVENT_OFF);
}

/* Without an answer, QEMU may stop it yet, and lets it run after that. */
static void on_stopped(const json_t *result, const char *error, void *userdata)
{
        StillRequest *q = userdata;
        Lifecycle *l = q->life;

        if (!result && q->number == l->still.number && l->still.holders > 0) {
                bool continues = l->still.ours && l->still.holders == 1 && l->phase == PHASE_LIVING;

                drop_holder(l);
                if (continues && l->monitor)
                        (void) monitor_execute(l->monitor, "cont", NULL, NULL, NULL, MONITOR_PATIENCE);
        }
        on_still_reply(result, error, q);
}

/* QEMU's answer before anybody else's command: a guest that was paused stays the operator's. */
static void on_still_state(const json_t *result, const char *error, void *userdata)
{
        const RunState *state = run_state_find(json_string_value(json_object_get(result, "status")));
        StillRequest *q = userdata;
        Lifecycle *l = q->life;

        if (q->number != l->still.number) {
                on_still_reply(NULL, WHY_MOVED, q);
                return;
        }
        if (result && state->running && l->monitor &&
            monitor_execute(l->monitor, "stop", NULL, on_stopped, q, MONITOR_PATIENCE) >= 0)
                return;
        if (!result || state->running) {
                drop_holder(l);
                on_still_reply(NULL, error ?: "QEMU does not take commands", q);
                return;
        }
        if (l->still.holders == 1)
                l->still.ours = false;
        on_still_reply(json_true(), NULL, q);
}

int lifecycle_hold_still(Lifecycle *l, unsigned *ret_number, MonitorReply reply, void *userdata)
{
        int r;

        if (lifecycle_why_busy(l))
                return -EBUSY;
        r = start_timer(l);
        if (r >= 0)
                r = request(l, "query-status", on_still_state, NULL, reply, userdata);
        if (r < 0)
                return r;
        if (l->still.holders++ == 0)
                l->still.ours = true; /* until QEMU or an operator says otherwise */
        *ret_number = l->still.number;
        return 0;
}

int lifecycle_go_on(Lifecycle *l, unsigned number, MonitorReply reply, void *userdata)
{
        bool held = number == l->still.number && l->still.holders > 0, ours = l->still.ours, continues;

        if (!l->monitor)
                return -EBUSY;
        if (held)
                drop_holder(l);
        /* one that crashed, went off or is being saved meanwhile must not run on */
        continues = held && ours && l->still.holders == 0 && l->phase == PHASE_LIVING;
        return request(
                l, continues ? "cont" : "query-status", on_still_reply, held ? NULL : WHY_MOVED, reply,
                userdata);
}

const char *lifecycle_why_still(const Lifecycle *l)
{
        return l->still.holders > 0 ? "the guest stands still for a moment, while a client copies its "
                                      "state; then try again"
                                    : NULL;
}
