/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A saved guest goes on with what its memory says is on its disks, so it is restored only if it is the same
 * machine (identity.c) and its disks were not written since. Otherwise the start fails and the file stays:
 * an administrator may bring the old disks back, or give the memory up by "vmctl save --discard".
 *
 * It must not be restored twice, for the second time its memory would not fit its disks. Yet at no point may
 * a crash cost both the file and the guest. So the file is marked before the guest runs, and removed after.
 * A marked file was left by a crash between these two: if the disks are as they were, the guest has done
 * nothing yet and is restored once more; if they changed, it has run, and starts afresh like any guest after
 * a crash; and if its disks cannot tell, an administrator has to decide.
 *
 * QEMU lets go of its disks until the guest runs ("late-block-activate"), so it writes nothing to them
 * before the mark.
 */

#include "launcher/saved/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "contract/exit.h"
#include "contract/message-ids.h"
#include "contract/state.h"
#include "launcher/machine/processors.h"
#include "launcher/saved/identity.h"
#include "launcher/saved/saved-file.h"
#include "launcher/saved/stream.h"
#include "log/log.h"
#include "util/text.h"

#define POLL_USEC   (MONITOR_SECOND / 5)
#define EXTEND_USEC "EXTEND_TIMEOUT_USEC=60000000" /* while it goes on */

struct Restore {
        int directory; /* borrowed */
        Saved saved;
        bool paused; /* when it was saved */
        Monitor *monitor;
        Lifecycle *life;
        Script *script;
        sd_event_source *timer;
        bool asked, over;
        off_t position; /* in the file, at the last look */
};

static const char advice[] = "The saved state was kept; \"vmctl save --discard\" gives it up, and the guest "
                             "then starts afresh.";

static int refuse(int exit_status, const char *why)
{
        log_entry(
                LOG_ERR, MESSAGE_ID_NOT_RESTORED, NULL, "The saved guest cannot be restored: %s. %s", why,
                advice);
        return exit_status;
}

static int refuse_errno(int error)
{
        switch (error) {
        case -ENODATA:
                return refuse(
                        EXIT_BAD_GUEST, "the file \"" STATE_SAVED "\" in its state directory is cut short");
        case -EBADMSG:
                return refuse(
                        EXIT_BAD_GUEST, "the file \"" STATE_SAVED
                                        "\" in its state directory is not a saved guest of this vmunit");
        default:
                return refuse(EXIT_OS, strerror(-error));
        }
}

/* ——— whether ——— */

static int refuse_difference(const char *what, char *difference, const char *then)
{
        _cleanup_(freep) char *owned = difference;
        _cleanup_(freep) char *why =
                text_format("%s changed since it was saved (%s); %s", what, owned ?: "", then);

        return refuse(EXIT_CONFIG, why ?: what);
}

/* "image.libvirt-1-storage is not the same": nodes of one disk differ in what follows the last dash. */
static int refuse_disk(const DiskNames *disks, char *difference)
{
        const char *node = difference ? strchr(difference, '.') : NULL;
        _cleanup_(freep) char *what = NULL;

        for (size_t i = 0; node && !what && i < disks->count; i++) {
                const DiskName *d = &disks->items[i];
                const char *dash = strrchr(d->node, '-');

                if (dash && strncmp(node + 1, d->node, (size_t) (dash + 1 - d->node)) == 0)
                        what = text_format("disk %s, %s,", d->target, d->path ?: "on the network");
        }
        return refuse_difference(
                what ?: "a disk", difference, "its memory would not fit what is on the disk now");
}

static int start_afresh(int directory)
{
        int r = saved_consume(directory);

        if (r < 0)
                return refuse_errno(r);
        log_notice("The guest had been restored and ran when it ended; starting it afresh.");
        return 0;
}

/* 0 with *ret_restores, or the exit status. */
static int compare(
        const Saved *saved, int directory, const RunOptions *options, const CommandLine *line,
        const Images *images, bool *ret_restores)
{
        _cleanup_(json_decrefp) json_t *machine = identity_of_machine(line, images);
        _cleanup_(json_decrefp) json_t *disks = identity_of_disks(line, images);
        const json_t *uuid = json_object_get(saved->header, "uuid");
        char *difference = NULL;
        bool changed;

        if (!machine || !disks)
                return refuse_errno(-ENOMEM);
        if (!streq_null(json_string_value(uuid), options->uuid))
                return refuse(EXIT_CONFIG, "it is of a guest with another UUID");
        if (identity_differs(json_object_get(saved->header, "machine"), machine, &difference))
                return refuse_difference("its definition", difference, "undo the change to restore it");
        changed = identity_differs(json_object_get(saved->header, "disks"), disks, &difference);
        if (changed && saved->kind == SAVED_RESTORING) {
                free(difference);
                return start_afresh(directory);
        }
        if (changed)
                return refuse_disk(&options->life.disks, difference);
        if (saved->kind == SAVED_RESTORING && !identity_tells(line, disks))
                return refuse(
                        EXIT_CONFIG,
                        "it was being restored when the host or the launcher crashed, and its disks do not "
                        "show whether it has run since");
        *ret_restores = true;
        return 0;
}

int restore_find(int directory, const RunOptions *options, const Images *images, Restore **ret)
{
        _cleanup_(saved_done) Saved saved = SAVED_EMPTY;
        CommandLine line = { 0 };
        bool restores = false;
        int r, status;

        *ret = NULL;
        if (directory < 0)
                return 0;
        saved_drop(directory); /* of one that was killed while it saved */
        r = saved_open(directory, &saved);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = command_line_read(options, options->argv, &line);
        if (r < 0)
                return refuse_errno(r);
        status = compare(&saved, directory, options, &line, images, &restores);
        command_line_done(&line);
        if (!restores)
                return status;
        *ret = calloc(1, sizeof(**ret));
        if (!*ret)
                return refuse_errno(-ENOMEM);
        **ret = (Restore){ .directory = directory,
                           .saved = saved,
                           .paused = json_is_true(json_object_get(saved.header, "paused")) };
        saved = SAVED_EMPTY;
        return 0;
}

int restore_complete(const Restore *r, Strings *argv)
{
        const json_t *processors = json_object_get(r->saved.header, "processors");
        json_int_t boot = json_integer_value(json_object_get(processors, "boot"));
        int result = processors ? processors_start(
                                          argv, boot > 0 && boot < INT32_MAX ? (unsigned) boot : 0,
                                          json_object_get(processors, "added"))
                                : 0;

        if (result >= 0)
                result = strings_add(argv, "-incoming");
        if (result >= 0)
                result = strings_add(argv, "defer");
        return result < 0 ? refuse_errno(result) : 0;
}

/* ——— the end ——— */

static void settle(Restore *r)
{
        r->over = true;
        r->script = script_free(r->script);
        r->timer = sd_event_source_disable_unref(r->timer);
        saved_done(&r->saved);
}

static void fail(Restore *r, int exit_status, const char *why)
{
        _cleanup_(freep) char *text = strdup(why);

        if (r->over)
                return;
        settle(r);
        if (text)
                text_make_printable(text);
        lifecycle_refuse(r->life, refuse(exit_status, text ?: ""), "The saved guest cannot be restored");
}

/* The guest runs, or stays paused in this QEMU. */
static void finish(Restore *r)
{
        int result = saved_consume(r->directory);

        if (result < 0) /* it is marked */
                log_errno(LOG_WARNING, result, "Cannot remove the saved guest, which was restored");
        settle(r);
        log_entry(
                LOG_NOTICE, MESSAGE_ID_RESTORED, NULL, "The guest was restored%s.",
                r->paused ? ", and is paused" : "");
        lifecycle_restored(r->life, !r->paused);
}

/* Only an answer says that the guest has not run: without one, the mark stays. */
static void on_continued(const json_t *result, const char *error, void *userdata)
{
        Restore *r = userdata;

        if (result) {
                finish(r);
                return;
        }
        if (monitor_error_class(r->monitor))
                (void) saved_unmark(r->directory);
        fail(r, EXIT_OS, error);
}

static void let_run(Restore *r)
{
        int result;

        stream_take_back(r->monitor);
        if (lifecycle_is_ending(r->life)) {
                settle(r);
                return;
        }
        if (r->paused) {
                finish(r);
                return;
        }
        result = saved_mark(r->directory);
        if (result < 0)
                fail(r, EXIT_OS, strerror(-result));
        else if (monitor_execute(r->monitor, "cont", NULL, on_continued, r, MONITOR_PATIENCE) < 0)
                fail(r, EXIT_OS, "QEMU does not take commands");
}

/* ——— while QEMU reads ——— */

/* QEMU answers nothing meanwhile if it is an old one, but its place in the file is ours, too. */
static void show_progress(Restore *r)
{
        off_t position = lseek(r->saved.fd, 0, SEEK_CUR);
        struct stat st;

        if (position <= r->position || fstat(r->saved.fd, &st) < 0 || st.st_size == 0)
                return;
        r->position = position;
        (void) sd_notify(0, EXTEND_USEC);
        lifecycle_set_status(
                r->life, "Restoring, %d %% of %lld MiB",
                (int) ((double) position * 100 / (double) st.st_size), (long long) (st.st_size >> 20));
}

static void on_progress(const json_t *result, const char *error, void *userdata)
{
        const char *status = json_string_value(json_object_get(result, "status"));
        Restore *r = userdata;

        r->asked = false;
        if (r->over)
                return;
        if (!result)
                fail(r, EXIT_OS, error);
        else if (status && streq(status, "completed"))
                let_run(r);
        else if (status && (streq(status, "failed") || streq(status, "cancelled")))
                fail(r, EXIT_MISSING,
                     json_string_value(json_object_get(result, "error-desc")) ?: "QEMU cannot read it");
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Restore *r = userdata;

        show_progress(r);
        if (!r->asked) {
                r->asked = true;
                if (monitor_execute(r->monitor, "query-migrate", NULL, on_progress, r, MONITOR_NO_LIMIT) <
                    0) {
                        fail(r, EXIT_OS, "QEMU does not take commands");
                        return 0;
                }
        }
        (void) sd_event_source_set_time_relative(s, POLL_USEC);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

static void on_begun(const char *failed, void *userdata)
{
        Restore *r = userdata;

        if (failed)
                fail(r, EXIT_MISSING, failed);
        else
                (void) sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
}

static int run_script(Restore *r)
{
        int result = script_new(r->monitor, &r->script);

        if (result >= 0)
                result = stream_give(r->monitor, r->saved.fd, r->script);
        if (result < 0)
                return result;
        if (!r->paused)
                script_add(
                        r->script, "migrate-set-capabilities",
                        json_pack(
                                "{s:[{s:s, s:b}]}", "capabilities", "capability", "late-block-activate",
                                "state", 1),
                        -EBADF, NULL, NULL);
        script_add(r->script, "migrate-incoming", stream_uri(r->monitor), -EBADF, NULL, NULL);
        return script_run(r->script, on_begun, r);
}

void restore_begin(Restore *r, sd_event *event, Monitor *monitor, Lifecycle *life)
{
        const char *saved = json_string_value(json_object_get(r->saved.header, "qemu")) ?: "";
        _cleanup_(freep) char *now = stream_version(monitor), *why = NULL;
        int result;

        r->monitor = monitor;
        r->life = life;
        if (now && stream_is_newer(saved, now)) {
                why = text_format("QEMU %s, which is older than the one that saved it, cannot read it", now);
                fail(r, EXIT_MISSING, why ?: "QEMU is too old");
                return;
        }
        lifecycle_set_status(life, "Restoring");
        (void) sd_notify(0, EXTEND_USEC);
        result = sd_event_add_time_relative(
                event, &r->timer, CLOCK_MONOTONIC, POLL_USEC / 4, POLL_USEC / 10, on_timer, r);
        if (result >= 0)
                result = sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
        if (result >= 0)
                result = run_script(r);
        if (result < 0)
                fail(r, EXIT_OS, strerror(-result));
}

void restore_monitor_closed(Restore *r)
{
        if (!r->over)
                settle(r);
}

/* QEMU names its sections and devices; the last line is why it ended. */
static const char *last_line(const char *said)
{
        const char *last = said;

        for (const char *p = said; *p; p++)
                if (*p == '\n' && p[1] && p[1] != '\n')
                        last = p + 1;
        return last;
}

char *restore_explain(const Restore *r, const char *said)
{
        const char *last = last_line(said);
        _cleanup_(freep) char *line = text_format("%.*s", (int) strcspn(last, "\n"), last);

        if (line)
                text_make_printable(line);
        return text_format(
                "The saved guest cannot be restored: QEMU cannot read its state (QEMU: %s). %s",
                line && *line ? line : "no reason given", advice);
}

Restore *restore_free(Restore *r)
{
        if (!r)
                return NULL;
        if (r->monitor)
                monitor_forget(r->monitor, r);
        if (!r->over)
                settle(r);
        free(r);
        return NULL;
}
