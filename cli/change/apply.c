/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A change is a change of the definition first: what the guest has is what systemctl cat shows, and what it
 * gets again when it is restarted. So systemd reads the definition anew, and then the guest's launcher
 * carries out what is new of the unit. What it said about that is shown.
 */

#include "cli/change/apply.h"

#include <errno.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "cli/running/client.h"
#include "contract/exit.h"
#include "util/unit-name.h"

#define RELOAD_SECONDS 310U              /* TimeoutStartSec= of the unit, and some more */
#define JOURNAL_USEC   UINT64_C(1000000) /* until the journal has what was just logged */

static uint64_t now_usec(void)
{
        struct timespec t = { 0 };

        (void) clock_gettime(CLOCK_REALTIME, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static int ask_state(const ChangeCall *c, char **ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r = manager_bus(c->call->user_scope, &bus);

        r = r < 0 ? r : unit_state(bus, c->unit, ret);
        return r < 0 ? fail(EXIT_MISSING, "cannot ask systemd whether guest %s runs: %s", c->guest,
                            strerror(-r))
                     : 0;
}

static bool is_on(const char *state)
{
        return streq(state, "active") || streq(state, "reloading");
}

static bool is_off(const char *state)
{
        return streq(state, "inactive") || streq(state, "failed");
}

/* What is about to be on or off would get the change for good, or not at all. */
int change_find_state(ChangeCall *c)
{
        _cleanup_(freep) char *state = NULL;
        int r = ask_state(c, &state);

        if (r != 0)
                return r;
        c->running = is_on(state);
        return c->running || is_off(state)
                       ? 0
                       : fail(EXIT_MISSING, "guest %s is %s; wait until that is over", c->guest, state);
}

int change_require_off(ChangeCall *c)
{
        int r = change_find_state(c);

        return r == 0 && c->running
                       ? fail(EXIT_MISSING, "guest %s was started meanwhile; its definition stays as it is",
                              c->guest)
                       : r;
}

int change_wait_for_starts(const ChangeCall *c)
{
        bool said = false;

        for (unsigned i = 0; i < RELOAD_SECONDS * 10; i++) {
                _cleanup_(freep) char *state = NULL;
                int r = ask_state(c, &state);

                if (r != 0 || is_on(state) || is_off(state))
                        return r;
                if (!said)
                        fprintf(stderr, "vmctl: guest %s is %s; waiting until that is over\n", c->guest,
                                state);
                said = true;
                (void) usleep(100000);
        }
        return 0; /* no start takes that long: it is one with the new definition */
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

/* ——— the launcher ——— */

/*
 * systemd would start a process in the guest's sandbox to tell the launcher, which takes longer than most
 * changes. What a systemctl reload does then is the same. 0, -EPROTO if the reload failed, or another error.
 */
static int reload_guest_now(ChangeCall *c)
{
        _cleanup_(client_done) Client client = CLIENT_EMPTY;
        json_t *answer = NULL;
        const char *error;
        int r;

        if (client_open(c->call, &client) != 0)
                return -ECONNRESET;
        r = client_send(&client, "org.vmunit.Guest.Reload", NULL, 0, (ClientFds){ 0 });
        if (r >= 0)
                r = client_receive(&client, RELOAD_SECONDS, &answer);
        error = json_string_value(json_object_get(answer, "error"));
        if (error)
                r = text_ends_with(error, ".MethodNotFound") ? -EOPNOTSUPP : -EPROTO;
        json_decref(answer);
        /* a launcher from before an upgrade; users' units cannot be reloaded that way */
        if (r == -EOPNOTSUPP && !c->call->user_scope)
                r = change_run_job(false, c->unit, "ReloadUnit");
        return r;
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

/* Errors and worse from where the journal was read to. */
static bool print_next_errors(sd_journal *j)
{
        char priority[4], message[1024];
        bool found = false;

        while (sd_journal_next(j) > 0)
                if (entry_field(j, "PRIORITY", priority, sizeof(priority)) && priority[0] <= '3' &&
                    entry_field(j, "MESSAGE", message, sizeof(message))) {
                        text_make_printable(message);
                        fprintf(stderr, "vmctl: %s\n", message);
                        found = true;
                }
        return found;
}

/* Those of the guest since then. What was just logged may be read a moment later. */
static bool print_errors(const char *guest, uint64_t since)
{
        _cleanup_(freep) char *match = text_format("VM_NAME=%s", guest);
        uint64_t end = now_usec() + JOURNAL_USEC;
        bool found = false;
        sd_journal *j;
        int r;

        if (!match || sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) < 0)
                return false;
        r = sd_journal_add_match(j, match, 0);
        r = r < 0 ? r : sd_journal_seek_realtime_usec(j, since);
        while (r >= 0 && !found && now_usec() < end) {
                found = print_next_errors(j);
                r = found ? 0 : sd_journal_wait(j, JOURNAL_USEC / 10);
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

/* What the definition says, the guest is to have: an earlier change was killed before that was so. */
static int end_interrupted(ChangeCall *c)
{
        uint64_t begun = now_usec();
        int r;

        fprintf(stderr, "vmctl: an earlier change of guest %s was interrupted; ending it first\n", c->guest);
        r = reload_manager(c->call->user_scope);
        if (r != 0) { /* the note stays */
                free(c->operation.note);
                c->operation.note = NULL;
        } else if (c->running && reload_guest_now(c) < 0)
                (void) print_errors(c->guest, begun);
        return r;
}

/* Others may take a while. 0 or a negative errno, with the reason in the operation. */
static int lock(ChangeCall *c)
{
        int r = operation_lock(&c->operation, &c->host, c->guest, c->path, false);

        if (r != -EWOULDBLOCK)
                return r;
        operation_done(&c->operation);
        fprintf(stderr, "vmctl: waiting for another change of guest %s\n", c->guest);
        return operation_lock(&c->operation, &c->host, c->guest, c->path, true);
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
        (void) host_read(&ret->host, NULL, call->user_scope);
        r = change_check(ret, lock(ret));
        r = r ?: change_find_state(ret); /* whoever had the lock may have changed that */
        if (r != 0)
                return r;
        lasts = !ret->running || (call->option && streq(call->option, "persistent"));
        r = operation_start(&ret->operation, lasts ? LASTING_ALWAYS : LASTING_UNTIL_OFF);
        if (r < 0 && !ret->operation.why) {
                print_findings(ret->operation.now.findings);
                return conversion_exit(r);
        }
        if (r >= 0 && ret->operation.interrupted && end_interrupted(ret) != 0)
                return EXIT_OS;
        return change_check(ret, r);
}

static int take_back(ChangeCall *c, int status)
{
        if (operation_revert(&c->operation) < 0)
                (void) fail(EXIT_OS, "%s", c->operation.why);
        (void) reload_manager(c->call->user_scope);
        if (c->running)
                (void) reload_guest_now(c); /* what the launcher did of it all the same is taken back, too */
        return status;
}

static int reload_guest(ChangeCall *c)
{
        int r;

        if (c->hooks)
                c->hooks->before(c, c->userdata);
        c->begun = now_usec();
        r = reload_guest_now(c);
        if (c->hooks)
                c->hooks->after(c, c->userdata);
        return r;
}

static int say_failure(ChangeCall *c, int r)
{
        if (!print_errors(c->guest, c->begun))
                (void) fail(
                        EXIT_OS, "the guest was not changed: %s; see journalctl %s-u '%s'",
                        r == -EPROTO       ? "its reload failed"
                        : r == -EOPNOTSUPP ? "its launcher is older than vmctl, until it is restarted"
                                           : strerror(-r),
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
        r = change_check(c, operation_reload(&c->operation));
        if (r != 0)
                return r;
        if (reload_manager(c->call->user_scope) != 0)
                return take_back(c, EXIT_OS);
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
