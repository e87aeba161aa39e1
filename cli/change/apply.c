/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A change is a change of the definition first: what the guest has is what systemctl cat shows, and what it
 * gets again when it is restarted. Then systemd is asked to reload the guest's unit, which carries the
 * change out, and what the launcher said about it is shown.
 */

#include "cli/change/apply.h"

#include <errno.h>
#include <signal.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "cli/running/client.h"
#include "contract/exit.h"
#include "util/unit-name.h"

#define POLL_USEC   100000
#define RELOAD_USEC (UINT64_C(310) * 1000 * 1000) /* TimeoutStartSec= of the unit, and some more */

static uint64_t now_usec(void)
{
        struct timespec t = { 0 };

        (void) clock_gettime(CLOCK_REALTIME, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* What is about to be on or off would get the change for good, or not at all. */
static int find_state(bool user_scope, const char *guest, const char *unit, bool *ret_running)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *state = NULL;
        int r = manager_bus(user_scope, &bus);

        r = r < 0 ? r : unit_state(bus, unit, &state);
        if (r < 0)
                return fail(
                        EXIT_MISSING, "cannot ask systemd whether guest %s runs: %s", guest, strerror(-r));
        *ret_running = streq(state, "active") || streq(state, "reloading");
        if (*ret_running || streq(state, "inactive") || streq(state, "failed"))
                return 0;
        return fail(EXIT_MISSING, "guest %s is %s; wait until that is over", guest, state);
}

int change_start(const Call *call, ChangeCall *ret)
{
        bool lasts;
        int r;

        *ret = (ChangeCall){ .call = call, .operation.lock = -EBADF };
        r = resolve_guest(call->user_scope, call->words[0], &ret->path, &ret->guest);
        if (r != 0)
                return r;
        if (!ret->guest || unit_name_for_guest(ret->guest, &ret->unit) < 0)
                return fail(EXIT_BAD_USAGE, "%s requires a guest's name, not a file", call->verb);
        r = find_state(call->user_scope, ret->guest, ret->unit, &ret->running);
        if (r != 0)
                return r;
        lasts = !ret->running || (call->option && streq(call->option, "persistent"));
        (void) host_read(&ret->host, NULL, call->user_scope);
        r = operation_start(
                &ret->operation, &ret->host, ret->guest, ret->path,
                lasts ? LASTING_ALWAYS : LASTING_UNTIL_OFF);
        if (r < 0 && !ret->operation.why) {
                print_findings(ret->operation.now.findings);
                return conversion_exit(r);
        }
        return change_check(ret, r);
}

void change_done(ChangeCall *c)
{
        operation_done(&c->operation);
        host_done(&c->host);
        free(c->path);
        free(c->guest);
        free(c->unit);
}

int change_check(ChangeCall *c, int r)
{
        Operation *o = &c->operation;
        int status = r == -ENOENT                                 ? EXIT_MISSING
                     : r == -EEXIST || r == -EINVAL               ? EXIT_BAD_GUEST
                     : r == -EACCES || r == -EPERM || r == -EROFS ? EXIT_POLICY
                                                                  : EXIT_OS;

        if (r >= 0)
                return 0;
        if (o->why)
                (void) fail(status, "%s", o->why);
        else if (o->now.findings)
                print_findings(o->now.findings);
        (void) operation_revert(o);
        return status;
}

/* ——— systemd ——— */

typedef struct Job {
        const char *path;
        char *result;
} Job;

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *path, *unit, *result;
        Job *job = userdata;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && job->path &&
            streq(path, job->path))
                job->result = strdup(result);
        return 0;
}

/* Waits for the job; 0, -EPROTO if it failed, or another error. */
static int wait_for_job(sd_bus *bus, Job *job)
{
        uint64_t end = now_usec() + RELOAD_USEC;
        int r = 0;

        while (r >= 0 && !job->result) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = now_usec() > end ? -ETIMEDOUT : sd_bus_wait(bus, UINT64_C(1000000));
        }
        return r < 0 ? r : streq(job->result, "done") ? 0 : -EPROTO;
}

/* Asks the launcher what became of reloads; 0 or the exit status. */
static int ask_reloads(const ChangeCall *c, json_int_t *ret_count, bool *ret_failed)
{
        json_t *reply;
        int r;

        r = client_query(c->call, json_pack("{s:[]}", "commands"), &reply);
        *ret_count = json_integer_value(json_object_get(reply, "reloads"));
        *ret_failed = json_is_true(json_object_get(reply, "reloadFailed"));
        json_decref(reply);
        return r;
}

/* Before systemd 253, a user's manager has no means to reload a guest; the launcher takes a signal. */
static int signal_launcher(const ChangeCall *c)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        uint64_t end = now_usec() + RELOAD_USEC;
        json_int_t before, count;
        bool failed;
        int r;

        if (ask_reloads(c, &before, &failed) != 0)
                return -EPROTO;
        r = manager_bus(c->call->user_scope, &bus);
        r = r < 0 ? r
                  : sd_bus_call_method(
                            bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                            "org.freedesktop.systemd1.Manager", "KillUnit", NULL, NULL, "ssi", c->unit,
                            "main", SIGHUP);
        while (r >= 0) {
                if (ask_reloads(c, &count, &failed) != 0)
                        return -EPROTO;
                if (count != before)
                        return 0;
                if (now_usec() > end)
                        return -ETIMEDOUT;
                (void) usleep(POLL_USEC);
        }
        return r;
}

/* method: "StartUnit"; waits for the job. */
static int run_job(bool user_scope, const char *unit, const char *method)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Job job = { 0 };
        int r = manager_bus(user_scope, &bus);

        r = r < 0 ? r
                  : sd_bus_match_signal(
                            bus, NULL, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                            "org.freedesktop.systemd1.Manager", "JobRemoved", on_job_removed, &job);
        r = r < 0 ? r
                  : sd_bus_call_method(
                            bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                            "org.freedesktop.systemd1.Manager", "Subscribe", NULL, NULL, NULL);
        r = r < 0 ? r
                  : sd_bus_call_method(
                            bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                            "org.freedesktop.systemd1.Manager", method, NULL, &reply, "ss", unit, "replace");
        r = r < 0 ? r : sd_bus_message_read(reply, "o", &job.path);
        r = r < 0 ? r : wait_for_job(bus, &job);
        free(job.result);
        return r;
}

static int reload_unit(bool user_scope, const char *unit)
{
        return run_job(user_scope, unit, "ReloadUnit");
}

int change_start_guest(const ChangeCall *c)
{
        int r = run_job(c->call->user_scope, c->unit, "StartUnit");

        return r < 0 ? fail(EXIT_OS, "cannot start guest %s: %s; see journalctl %s-u '%s'", c->guest,
                            r == -EPROTO ? "its unit failed" : strerror(-r),
                            c->call->user_scope ? "--user " : "", c->unit)
                     : 0;
}

/* ——— what the launcher said ——— */

static bool entry_field(sd_journal *j, const char *field, char *ret, size_t size)
{
        const void *data;
        size_t n, skip = strlen(field) + 1;

        if (sd_journal_get_data(j, field, &data, &n) < 0 || n < skip || n - skip >= size)
                return false;
        memcpy(ret, (const char *) data + skip, n - skip);
        ret[n - skip] = '\0';
        return true;
}

/* Errors and worse of the guest since then. */
static bool print_errors(const char *guest, uint64_t since)
{
        _cleanup_(freep) char *match = text_format("VM_NAME=%s", guest);
        char priority[4], message[1024];
        bool found = false;
        sd_journal *j;

        if (!match || sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) < 0)
                return false;
        if (sd_journal_add_match(j, match, 0) >= 0 && sd_journal_seek_realtime_usec(j, since) >= 0)
                while (sd_journal_next(j) > 0)
                        if (entry_field(j, "PRIORITY", priority, sizeof(priority)) && priority[0] <= '3' &&
                            entry_field(j, "MESSAGE", message, sizeof(message))) {
                                text_make_printable(message);
                                fprintf(stderr, "vmctl: %s\n", message);
                                found = true;
                        }
        sd_journal_close(j);
        return found;
}

static int print_pending(const ChangeCall *c, bool *ret_device)
{
        json_t *reply, *pending;
        size_t i;
        int r;

        r = client_query(c->call, json_pack("{s:[]}", "commands"), &reply);
        json_array_foreach(json_object_get(reply, "pending"), i, pending) {
                const char *device = json_string_value(json_object_get(pending, "device"));
                _cleanup_(freep) char *shown =
                        client_text(json_string_value(json_object_get(pending, "text")) ?: "");

                fprintf(stderr, "vmctl: needs a restart of the guest: %s\n", shown ?: "");
                if (streq_null(device, c->operation.id))
                        *ret_device = *ret_device || device;
        }
        json_decref(reply);
        return r;
}

static int take_back(ChangeCall *c, int status)
{
        if (operation_revert(&c->operation) < 0)
                (void) fail(EXIT_OS, "%s", c->operation.why);
        reload_manager(c->call->user_scope);
        /* what the launcher did of it all the same is taken back, too */
        if (reload_unit(c->call->user_scope, c->unit) == -EBADR)
                (void) signal_launcher(c);
        return status;
}

static int reload_guest(ChangeCall *c)
{
        json_int_t count;
        bool failed;
        int r;

        if (c->hooks)
                c->hooks->before(c, c->userdata);
        c->begun = now_usec();
        r = reload_unit(c->call->user_scope, c->unit);
        if (r == -EBADR) /* not applicable */
                r = signal_launcher(c);
        if (c->hooks)
                c->hooks->after(c, c->userdata);
        if (r >= 0 && ask_reloads(c, &count, &failed) == 0 && failed)
                r = -EPROTO;
        return r;
}

static int say_failure(ChangeCall *c, int r)
{
        if (!print_errors(c->guest, c->begun))
                (void) fail(
                        EXIT_OS, "the guest was not changed: %s; see journalctl %s-u '%s'",
                        r == -EPROTO ? "its reload failed" : strerror(-r),
                        c->call->user_scope ? "--user " : "", c->unit);
        /* what is late may still be carried out */
        c->kept = c->hooks && (r == -ETIMEDOUT || c->hooks->is_done(c, c->userdata) != 0);
        return c->kept ? EXIT_OS : take_back(c, EXIT_OS);
}

int change_apply(ChangeCall *c)
{
        bool waits = false, lasts = c->call->option && streq(c->call->option, "persistent");
        int r;

        print_findings(c->operation.now.findings);
        reload_manager(c->call->user_scope);
        if (!c->running)
                return EXIT_SUCCESS;
        r = reload_guest(c);
        if (r < 0)
                return say_failure(c, r);
        r = print_pending(c, &waits);
        c->kept = c->hooks && c->hooks->is_done(c, c->userdata) != 0;
        if (c->hooks && !c->kept)
                return take_back(
                        c, fail(EXIT_MISSING, "guest %s cannot be changed while it runs", c->guest));
        if (r != 0 || !waits || lasts)
                return r;
        (void) fail(EXIT_MISSING, "to have it after a restart, use --persistent");
        return take_back(c, EXIT_MISSING);
}
