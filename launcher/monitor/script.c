/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One command is under way at a time, so that what QEMU refuses is known before the next one depends on it.
 * Undoing goes on after a failure: the more is undone, the better.
 */

#include "launcher/monitor/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "util/text.h"

typedef struct Step {
        const char *command, *undo;
        json_t *arguments, *undo_arguments;
        int fd;
        bool optional, kept;
        bool unlimited; /* its time */
        unsigned group;
        unsigned attempts, undo_attempts; /* that remain after a failure */
} Step;

#define RETRY_USEC    (MONITOR_SECOND / 5)
#define UNDO_ATTEMPTS 25U /* what is behind a device goes when the guest let the device go */

struct Script {
        Monitor *monitor;
        sd_event_source *timer; /* until the next attempt */
        Step *steps;
        unsigned group;
        size_t count, at; /* at: of those before, what was done has not been undone */
        bool undoing;
        char *failure;
        ScriptDone done;
        void *userdata;
        int status; /* 0 or -ENOMEM */
};

int script_new(Monitor *monitor, Script **ret)
{
        Script *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->monitor = monitor;
        *ret = s;
        return 0;
}

Script *script_free(Script *s)
{
        if (!s)
                return NULL;
        monitor_forget(s->monitor, s);
        sd_event_source_disable_unref(s->timer);
        for (size_t i = 0; i < s->count; i++) {
                json_decref(s->steps[i].arguments);
                json_decref(s->steps[i].undo_arguments);
                (void) fd_close(s->steps[i].fd);
        }
        free(s->steps);
        free(s->failure);
        free(s);
        return NULL;
}

static void add(Script *s, Step step)
{
        Step *bigger = reallocarray(s->steps, s->count + 1, sizeof(*bigger));

        step.group = s->group;
        if (bigger) {
                s->steps = bigger;
                s->steps[s->count++] = step;
                return;
        }
        json_decref(step.arguments);
        json_decref(step.undo_arguments);
        (void) fd_close(step.fd);
        s->status = -ENOMEM;
}

void script_add(
        Script *s, const char *command, json_t *arguments, int fd, const char *undo, json_t *undo_arguments)
{
        if (!arguments || (undo && !undo_arguments))
                s->status = -ENOMEM;
        add(s, (Step){ .command = command,
                       .undo = undo,
                       .arguments = arguments,
                       .undo_arguments = undo_arguments,
                       .fd = fd,
                       .undo_attempts = UNDO_ATTEMPTS });
}

void script_try(Script *s, const char *command, json_t *arguments)
{
        if (!arguments)
                s->status = -ENOMEM;
        add(s, (Step){ .command = command, .arguments = arguments, .fd = -EBADF, .optional = true });
}

static void go_on(Script *s);

static void finish(Script *s)
{
        ScriptDone done = s->done;

        s->done = NULL;
        done(s->undoing ? NULL : s->failure, s->userdata); /* may free it */
}

static int on_attempt(sd_event_source *source, uint64_t usec, void *userdata)
{
        go_on(userdata);
        return 0;
}

static int wait_for_attempt(Script *s)
{
        s->timer = sd_event_source_disable_unref(s->timer);
        return sd_event_add_time_relative(
                monitor_get_event(s->monitor), &s->timer, CLOCK_MONOTONIC, RETRY_USEC, RETRY_USEC / 10,
                on_attempt, s);
}

static void on_reply(const json_t *result, const char *error, void *userdata)
{
        Script *s = userdata;
        Step *step = &s->steps[s->undoing ? s->at : s->at - 1];

        if (!result && s->undoing && streq(step->undo, "closefd"))
                log_debug("QEMU has used the descriptor: %s", error);
        else if (!result && s->undoing && step->undo_attempts > 0) {
                step->undo_attempts--;
                s->at++;
                if (wait_for_attempt(s) >= 0)
                        return;
        } else if (!result && s->undoing)
                log_warning("QEMU failed to execute %s: %s", step->undo, error);
        else if (!result && step->attempts > 0) {
                step->attempts--;
                s->at--;
                if (wait_for_attempt(s) >= 0)
                        return;
        } else if (!result && step->optional)
                log_warning("QEMU failed to execute %s: %s", step->command, error);
        else if (!result) {
                if (monitor_error_class(s->monitor))
                        s->at--; /* otherwise QEMU may still do it, and is to undo it then */
                s->failure = text_format("%s: %s", step->command, error);
                finish(s);
                return;
        }
        go_on(s);
}

static int send(Script *s, const char *command, json_t *arguments, int fd, uint64_t patience)
{
        json_incref(arguments);
        return fd >= 0 ? monitor_execute_fd(s->monitor, command, arguments, fd, on_reply, s)
                       : monitor_execute(s->monitor, command, arguments, on_reply, s, patience);
}

/* Sends the next command, or ends. */
static void go_on(Script *s)
{
        Step *step;
        int r;

        while (s->undoing && s->at > 0 && (!s->steps[s->at - 1].undo || s->steps[s->at - 1].kept))
                s->at--;
        if (s->at == (s->undoing ? 0 : s->count)) {
                finish(s);
                return;
        }
        if (s->undoing) {
                step = &s->steps[--s->at];
                r = send(s, step->undo, step->undo_arguments, -EBADF, MONITOR_PATIENCE);
        } else {
                step = &s->steps[s->at];
                r =
                        send(s, step->command, step->arguments, step->fd,
                             step->unlimited ? MONITOR_NO_LIMIT : MONITOR_PATIENCE);
                s->at += r >= 0;
        }
        if (r >= 0)
                return;
        s->failure = strdup("QEMU does not take commands");
        finish(s);
}

void script_set_group(Script *s, unsigned group)
{
        s->group = group;
}

bool script_has_done(const Script *s, unsigned group)
{
        bool any = false;

        for (size_t i = 0; i < s->count; i++)
                if (s->steps[i].group == group) {
                        if (i >= s->at)
                                return false;
                        any = true;
                }
        return any;
}

void script_keep_group(Script *s, unsigned group)
{
        for (size_t i = 0; i < s->count; i++)
                if (s->steps[i].group == group)
                        s->steps[i].kept = true;
}

void script_insist(Script *s, unsigned seconds)
{
        if (s->count > 0)
                s->steps[s->count - 1].attempts = seconds * (unsigned) (MONITOR_SECOND / RETRY_USEC);
}

void script_wait(Script *s)
{
        if (s->count > 0)
                s->steps[s->count - 1].unlimited = true;
}

/* Not at once, so that callers need not expect to be called before they return. */
static void on_begin(const json_t *result, const char *error, void *userdata)
{
        go_on(userdata);
}

static int begin(Script *s, bool undoing, ScriptDone done, void *userdata)
{
        if (s->status < 0)
                return s->status;
        s->undoing = undoing;
        s->done = done;
        s->userdata = userdata;
        return monitor_execute(s->monitor, "query-status", NULL, on_begin, s, MONITOR_PATIENCE);
}

int script_run(Script *s, ScriptDone done, void *userdata)
{
        return begin(s, false, done, userdata);
}

int script_undo(Script *s, ScriptDone done, void *userdata)
{
        return begin(s, true, done, userdata);
}
