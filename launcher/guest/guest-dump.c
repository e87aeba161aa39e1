/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Dump: the guest's memory into a file of the client. QEMU pauses the guest, writes in the background, and
 * lets the guest continue. It cannot be stopped; if the client leaves it goes on to the end. A dump of
 * many gigabytes takes minutes, so a client that wants several replies is told how far it is.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "launcher/guest/guest.h"
#include "util/text.h"

#define POLL_USEC (MONITOR_SECOND / 4)

typedef struct Watch {
        Call *call;
        Batch *batch; /* until QEMU has begun */
        sd_event_source *timer;
} Watch;

static void watch_free(Watch *w)
{
        sd_event_source_disable_unref(w->timer);
        free(w);
}

static void on_gone(void *userdata)
{
        Watch *w = userdata;

        if (w->batch)
                batch_abandon(w->batch);
        lifecycle_forget(call_context(w->call)->life, w);
        watch_free(w);
}

static void end(Watch *w, const char *error)
{
        Call *call = w->call;

        watch_free(w);
        if (error)
                call_refuse(call, ERROR_FAILED, "%s", error);
        else
                call_reply(call, json_object());
}

static void wait_again(Watch *w)
{
        (void) sd_event_source_set_time_relative(w->timer, POLL_USEC);
        (void) sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static void on_progress(const json_t *result, const char *error, void *userdata)
{
        const char *status = json_string_value(json_object_get(result, "status"));
        Watch *w = userdata;

        if (!status || streq(status, "failed"))
                end(w, error ?: "QEMU failed to write the guest's memory; its journal says why");
        else if (!streq(status, "active"))
                end(w, NULL);
        else {
                if (call_has_more(w->call))
                        call_notify(
                                w->call,
                                json_pack(
                                        "{s:O, s:O}", "completed", json_object_get(result, "completed"),
                                        "total", json_object_get(result, "total")));
                wait_again(w);
        }
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Watch *w = userdata;

        if (lifecycle_execute(call_context(w->call)->life, "query-dump", NULL, -1, on_progress, w) < 0)
                end(w, "QEMU does not take commands");
        return 0;
}

static void on_begun(json_t *results, const char *error, size_t failed, void *userdata)
{
        Watch *w = userdata;

        w->batch = NULL;
        if (results)
                wait_again(w);
        else
                end(w, error);
}

static int make_batch(Batch *b, Batches *batches, int fd, const json_t *parameters)
{
        const json_t *format = json_object_get(parameters, "format");
        char name[BATCH_NAME_MAX], protocol[BATCH_NAME_MAX + 4];
        json_t *arguments;
        int r;

        r = batch_add_named(b, batches, fd, name);
        if (r < 0)
                return r;
        (void) snprintf(protocol, sizeof(protocol), "fd:%s", name);
        arguments = json_pack("{s:b, s:s, s:b}", "paging", 0, "protocol", protocol, "detach", 1);
        if (json_is_string(format))
                (void) json_object_set(arguments, "format", (json_t *) format);
        return batch_add(b, "dump-guest-memory", arguments, -1);
}

void guest_dump(Call *call, const json_t *parameters)
{
        const ControlContext *context = call_context(call);
        _cleanup_(batch_freep) Batch *b = NULL;
        int fd = guest_take_file(call, parameters), r;
        Watch *w;

        if (fd < 0)
                return;
        b = batch_new();
        w = calloc(1, sizeof(*w));
        if (!b || !w) {
                (void) fd_close(fd);
                free(w);
                guest_refuse(call, -ENOMEM);
                return;
        }
        w->call = call;
        r = make_batch(b, context->batches, fd, parameters);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        context->event, &w->timer, CLOCK_MONOTONIC, 0, POLL_USEC / 10, on_timer, w);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
        if (r >= 0) {
                w->batch = b;
                r = batch_run(TAKE_PTR(b), context->batches, context->life, on_begun, w);
        }
        if (r < 0) {
                watch_free(w);
                guest_refuse(call, r);
        } else
                call_on_gone(call, on_gone, w);
}
