/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest is stopped, QEMU writes its memory and the state of its devices as for a migration, and then the
 * disks are as that state expects them: QEMU has let go of them. So the file is made whole now, and QEMU
 * ends without the guest having run once more. Before the file is whole, every failure ends with the guest
 * going on; afterwards, nothing can fail.
 *
 * The file may be as large as the guest's memory. While QEMU writes, the launcher has the kernel write it
 * back, or the fsync() at the end would take minutes.
 *
 * QEMU writes for a stopped guest as fast as the disk can, since it is told no limit.
 */

#include "launcher/saved/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "contract/message-ids.h"
#include "launcher/machine/processors.h"
#include "launcher/monitor/script.h"
#include "launcher/saved/identity.h"
#include "launcher/saved/saved-file.h"
#include "launcher/saved/stream.h"
#include "log/log.h"
#include "util/text.h"

#define POLL_USEC (MONITOR_SECOND / 5)
#define NO_LIMIT  (UINT64_C(1) << 40) /* bytes in a second */

typedef enum SavePhase {
        SAVE_IDLE,
        SAVE_STOPPING, /* the guest, if it runs */
        SAVE_WRITING,
        SAVE_UNDOING,
        SAVE_WHOLE,
} SavePhase;

struct Save {
        SaveContext context;
        SavePhase phase;
        const char *(*why_not)(void *userdata); /* or NULL */
        void *guard;                            /* its userdata */
        const SaveListener *listener;
        void *userdata;
        Script *script;
        sd_event_source *timer; /* of the next question */
        uint64_t deadline;      /* CLOCK_MONOTONIC; 0: none */
        int fd;
        bool was_running, stopped;
        bool kept;             /* whoever asked for it may leave */
        bool migrates;         /* QEMU, or it has not said yet that this is over */
        const char *cancelled; /* why; a constant */
        char *failure;
        json_t *processors; /* those that were added; NULL if there are none */
};

static uint64_t now_usec(const Save *s)
{
        uint64_t now = 0;

        (void) sd_event_now(s->context.event, CLOCK_MONOTONIC, &now);
        return now;
}

/* ——— the end ——— */

static void tell(Save *s, const char *failed)
{
        const SaveListener *listener = s->listener;

        s->listener = NULL;
        if (listener)
                listener->done(failed, s->userdata);
}

/* What is under way no longer, and what was only for it. */
static void settle(Save *s, SavePhase phase)
{
        s->phase = phase;
        s->script = script_free(s->script);
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        s->fd = fd_close(s->fd);
        s->deadline = 0;
}

static void go_on(Save *s)
{
        settle(s, SAVE_IDLE);
        log_entry(
                LOG_ERR, MESSAGE_ID_NOT_SAVED, NULL, "The guest was not saved and goes on: %s.", s->failure);
        tell(s, s->failure);
        lifecycle_end_saving(s->context.life, false);
}

static void on_continued(const json_t *result, const char *error, void *userdata)
{
        Save *s = userdata;

        if (!result)
                log_error("QEMU failed to let the guest continue: %s", error);
        go_on(s);
}

static void cancel_migration(Save *s)
{
        (void) monitor_execute(s->context.monitor, "migrate_cancel", NULL, NULL, NULL, MONITOR_PATIENCE);
}

/* Nothing of it stays, and the guest runs as before. */
static void fail(Save *s, const char *why)
{
        Monitor *monitor = s->context.monitor;

        if (s->phase == SAVE_UNDOING)
                return;
        free(s->failure);
        s->failure = strdup(s->cancelled ?: why);
        if (s->failure)
                text_make_printable(s->failure);
        s->phase = SAVE_UNDOING;
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        saved_drop(s->context.directory);
        if (lifecycle_is_ending(s->context.life)) {
                settle(s, SAVE_IDLE);
                tell(s, "the guest ended");
                return;
        }
        if (s->migrates)
                cancel_migration(s);
        if (s->script)
                stream_take_back(monitor);
        if (!s->stopped || !s->was_running ||
            monitor_execute(monitor, "cont", NULL, on_continued, s, MONITOR_PATIENCE) < 0)
                go_on(s);
}

static void fail_errno(Save *s, const char *what, int error)
{
        _cleanup_(freep) char *text = text_format("%s: %s", what, strerror(-error));

        fail(s, text ?: what);
}

static json_t *make_header(Save *s)
{
        const CommandLine *line = reload_line(s->context.reload);
        _cleanup_(freep) char *version = stream_version(s->context.monitor);

        if (!line)
                return NULL;
        return json_pack(
                "{s:s, s:s, s:I, s:b, s:o, s:o, s:O*}", "uuid", s->context.options->uuid, "qemu",
                version ?: "", "time", (json_int_t) time(NULL), "paused", (int) !s->was_running, "machine",
                identity_of_machine(line, s->context.images), "disks",
                identity_of_disks(line, s->context.images), "processors", s->processors);
}

static void finish(Save *s)
{
        _cleanup_(json_decrefp) json_t *header = make_header(s);
        int r;

        if (lifecycle_is_ending(s->context.life)) { /* it was to end, not to be kept */
                fail(s, "the guest ended");
                return;
        }
        (void) sd_notify(0, "WATCHDOG=1"); /* writing the rest may take a moment */
        r = header ? saved_finish(s->context.directory, s->fd, header) : -ENOMEM;
        if (r < 0) {
                fail_errno(s, "cannot complete the file in its state directory", r);
                return;
        }
        settle(s, SAVE_WHOLE);
        log_entry(
                LOG_NOTICE, MESSAGE_ID_SAVED, NULL,
                "The guest was saved. Its next start restores it; \"vmctl save --discard\" has it start "
                "afresh.");
        tell(s, NULL);
        lifecycle_end_saving(s->context.life, true);
}

/* ——— while QEMU writes ——— */

static void ask_again(Save *s)
{
        (void) sd_event_source_set_time_relative(s->timer, POLL_USEC);
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static void show_progress(Save *s, const json_t *ram)
{
        json_int_t total = json_integer_value(json_object_get(ram, "total")),
                   left = json_integer_value(json_object_get(ram, "remaining"));

        if (total <= 0 || left < 0 || left > total)
                return;
        lifecycle_set_status(
                s->context.life, "Saving, %d %% of %lld MiB",
                (int) ((double) (total - left) * 100 / (double) total), (long long) (total >> 20));
        if (s->listener && s->listener->progress)
                s->listener->progress((uint64_t) (total - left), (uint64_t) total, s->userdata);
}

static bool is_over(const char *status)
{
        return status &&
               (streq(status, "completed") || streq(status, "failed") || streq(status, "cancelled"));
}

static void on_progress(const json_t *result, const char *error, void *userdata)
{
        const char *status = json_string_value(json_object_get(result, "status"));
        Save *s = userdata;

        if (is_over(status))
                s->migrates = false;
        if (!status)
                fail(s, error ?: "QEMU does not say how far it is");
        else if (streq(status, "completed")) {
                if (s->cancelled)
                        fail(s, s->cancelled);
                else
                        finish(s);
        } else if (streq(status, "failed"))
                fail(s, json_string_value(json_object_get(result, "error-desc"))
                                ?: "QEMU failed to write its state (the file system may be full)");
        else if (streq(status, "cancelled"))
                fail(s, s->cancelled ?: "QEMU gave up");
        else {
                show_progress(s, json_object_get(result, "ram"));
                (void) sync_file_range(s->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
                ask_again(s);
        }
}

static void cancel(Save *s, const char *why)
{
        if (s->cancelled)
                return;
        s->cancelled = why;
        if (s->phase == SAVE_WRITING)
                cancel_migration(s);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Save *s = userdata;

        if (s->deadline > 0 && now_usec(s) >= s->deadline)
                cancel(s, "the time for it is over");
        if (monitor_execute(s->context.monitor, "query-migrate", NULL, on_progress, s, MONITOR_NO_LIMIT) < 0)
                fail(s, "QEMU does not take commands");
        return 0;
}

/* ——— before that ——— */

static void on_begun(const char *failed, void *userdata)
{
        Save *s = userdata;

        if (failed) {
                if (monitor_error_class(s->context.monitor))
                        s->migrates = false; /* it was refused */
                fail(s, failed);
                return;
        }
        s->phase = SAVE_WRITING;
        if (s->cancelled)
                cancel_migration(s);
        ask_again(s);
}

static void write_state(Save *s)
{
        Monitor *monitor = s->context.monitor;
        int r;

        s->fd = saved_create(s->context.directory);
        if (s->fd < 0) {
                fail_errno(s, "cannot create a file in its state directory", s->fd);
                return;
        }
        r = script_new(monitor, &s->script);
        if (r >= 0)
                r = stream_give(monitor, s->fd, s->script);
        if (r < 0) {
                fail_errno(s, "cannot pass the file to QEMU", r);
                return;
        }
        script_add(
                s->script, "migrate-set-parameters",
                json_pack("{s:I}", "max-bandwidth", (json_int_t) NO_LIMIT), -EBADF, NULL, NULL);
        script_add(s->script, "migrate", stream_uri(monitor), -EBADF, NULL, NULL);
        r = script_run(s->script, on_begun, s);
        s->migrates = r >= 0; /* before its answer, too, which may be late */
        if (r < 0)
                fail_errno(s, "cannot give QEMU commands", r);
}

/* The guest may have gone off, or its disk may have failed, before it was stopped. */
static void on_stopped_state(const json_t *result, const char *error, void *userdata)
{
        const char *state = json_string_value(json_object_get(result, "status"));
        Save *s = userdata;

        if (s->cancelled || !state)
                fail(s, error ?: "QEMU does not say its state");
        else if (!streq(state, "paused")) {
                s->was_running = false; /* so it stays as it is */
                fail(s, "it stopped by itself meanwhile");
        } else
                write_state(s);
}

static void ask(Save *s, const char *command, MonitorReply reply)
{
        if (monitor_execute(s->context.monitor, command, NULL, reply, s, MONITOR_PATIENCE) < 0)
                fail(s, "QEMU does not take commands");
}

static void on_stopped(const json_t *result, const char *error, void *userdata)
{
        Save *s = userdata;

        s->stopped = true; /* or is soon */
        if (result)
                ask(s, "query-status", on_stopped_state);
        else
                fail(s, error);
}

static void on_state(const json_t *result, const char *error, void *userdata)
{
        const char *state = json_string_value(json_object_get(result, "status"));
        Save *s = userdata;

        s->was_running = state && streq(state, "running");
        if (s->cancelled || !state)
                fail(s, error ?: "QEMU does not say its state");
        else if (s->was_running)
                ask(s, "stop", on_stopped);
        else if (streq(state, "paused"))
                write_state(s);
        else
                fail(s, "only a guest that runs or is paused can be saved");
}

/* The queues of disks and cards are as many as the processors that QEMU began with, so that a QEMU that
 * begins with all of them could not read this one's state. */
static void on_processors(const json_t *result, const char *error, void *userdata)
{
        Save *s = userdata;
        unsigned boot;
        size_t count = reload_added_vcpus(s->context.reload, &boot);
        json_t *added = result ? processors_added(result) : NULL;

        if (s->cancelled || json_array_size(added) != count) {
                json_decref(added);
                fail(s, error ?: "QEMU does not say its processors");
                return;
        }
        s->processors = json_pack("{s:I, s:o}", "boot", (json_int_t) boot, "added", added);
        ask(s, "query-status", on_state);
}

static void on_jobs(const json_t *result, const char *error, void *userdata)
{
        Save *s = userdata;
        unsigned boot;

        if (s->cancelled || !result)
                fail(s, error ?: "QEMU does not say its jobs");
        else if (json_array_size(result) > 0)
                fail(s, "a job on one of its disks is under way");
        else if (reload_added_vcpus(s->context.reload, &boot) > 0)
                ask(s, "query-hotpluggable-cpus", on_processors);
        else
                ask(s, "query-status", on_state);
}

/* What would be lost with this QEMU, or change the guest while it is written. */
static const char *why_busy(const Save *s)
{
        const char *busy = lifecycle_why_busy(s->context.life) ?: lifecycle_why_still(s->context.life);

        return busy || !s->why_not ? busy : s->why_not(s->guard);
}

const char *save_begin(Save *s, const SaveListener *listener, void *userdata)
{
        const char *busy = why_busy(s);
        size_t pending;

        if (busy)
                return busy;
        if (s->context.directory < 0)
                return "the guest has no state directory";
        if (reload_is_under_way(s->context.reload))
                return "a change of the guest is under way";
        (void) reload_pending(s->context.reload, &pending);
        if (pending > 0) /* its next start would be of another definition */
                return "changes of its definition wait for a restart, and it could not be restored";
        if (!reload_line(s->context.reload))
                return "its command line cannot be read";
        if (monitor_execute(s->context.monitor, "query-jobs", NULL, on_jobs, s, MONITOR_PATIENCE) < 0)
                return "QEMU does not take commands";
        s->phase = SAVE_STOPPING;
        json_decref(s->processors);
        s->processors = NULL;
        s->was_running = s->stopped = s->kept = s->migrates = false;
        s->cancelled = NULL;
        s->listener = listener;
        s->userdata = userdata;
        lifecycle_begin_saving(s->context.life);
        return NULL;
}

void save_set_guard(Save *s, const char *(*why_not)(void *userdata), void *userdata)
{
        s->why_not = why_not;
        s->guard = userdata;
}

bool save_is_under_way(const Save *s)
{
        return s->phase != SAVE_IDLE;
}

void save_limit(Save *s, uint64_t usec)
{
        s->deadline = now_usec(s) + usec;
}

void save_keep(Save *s)
{
        s->kept = true;
}

void save_forget(Save *s, const void *userdata)
{
        if (!s->listener || s->userdata != userdata)
                return;
        s->listener = NULL;
        if (save_is_under_way(s) && !s->kept)
                cancel(s, "whoever asked for it is gone");
}

void save_monitor_closed(Save *s)
{
        if (s->phase == SAVE_IDLE || s->phase == SAVE_WHOLE)
                return;
        saved_drop(s->context.directory);
        settle(s, SAVE_IDLE);
        tell(s, "QEMU ended");
}

int save_new(const SaveContext *context, Save **ret)
{
        _cleanup_(save_freep) Save *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        *s = (Save){ .context = *context, .fd = -EBADF };
        r = sd_event_add_time_relative(
                context->event, &s->timer, CLOCK_MONOTONIC, 0, POLL_USEC / 10, on_timer, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

Save *save_free(Save *s)
{
        if (!s)
                return NULL;
        if (s->phase != SAVE_IDLE && s->phase != SAVE_WHOLE)
                saved_drop(s->context.directory);
        if (s->context.monitor)
                monitor_forget(s->context.monitor, s);
        script_free(s->script);
        sd_event_source_disable_unref(s->timer);
        (void) fd_close(s->fd);
        free(s->failure);
        json_decref(s->processors);
        free(s);
        return NULL;
}
