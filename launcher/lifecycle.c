/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What happens to the guest, and what follows from it. Three kinds of things come together here: QEMU's
 * events, requests from outside (systemctl, machinectl), and what the guest's XML says of its on_poweroff,
 * on_reboot and on_crash. What comes out is commands to QEMU, STATUS= for people, and an exit status that
 * tells systemd how to go on:
 *
 *     0    the guest is off and stays off
 *     133  start me again: on_…='restart'. The unit has RestartForceExitStatus=133, and systemd keeps the
 *          TAPs over it. QEMU is made anew, as libvirt does for a guest that was off, so that a change of
 *          the unit or of QEMU comes into force.
 *     1    QEMU or the guest failed. A crash with on_crash='destroy' counts as such, so that systemctl shows
 *          it and an administrator may add Restart=on-failure.
 *
 * QEMU runs with -no-shutdown: when the guest goes off, QEMU stays, says so and waits for what is decided
 * here. A reset is carried out by QEMU itself, unless on_reboot says otherwise; then QEMU is told to take it
 * as going off.
 *
 * A reboot from outside is one of the guest, not of the unit: power-down, and when the guest is off, a reset
 * in the same QEMU. So the guest keeps its registration, its process and who is attached to its console, as
 * with libvirt.
 *
 * Trust: QEMU's events may be lies of a guest that took QEMU over. All that they can bring about is what the
 * guest may do anyway: go off, start again, or fail.
 */

#include "launcher/lifecycle.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "launcher/describe.h"
#include "launcher/dump.h"
#include "launcher/log.h"
#include "launcher/message-ids.h"
#include "launcher/power-down.h"
#include "launcher/process.h"
#include "launcher/run-state.h"
#include "util/text.h"

#define REBOOT_PATIENCE_USEC (120 * MONITOR_SECOND) /* a guest that ignores its power button so long */
#define MONITOR_LOST_USEC    (10 * MONITOR_SECOND)  /* QEMU closed its monitor, and should be gone */

typedef enum Phase {
        PHASE_STARTING,  /* QEMU is there, the guest does not run yet */
        PHASE_LIVING,    /* systemd was told that it runs; also while it is paused */
        PHASE_DUMPING,   /* it crashed, and its memory is being written */
        PHASE_PRESERVED, /* off or crashed, and kept as it is */
        PHASE_ENDING,    /* exit_status is decided, QEMU was told to end */
} Phase;

struct Lifecycle {
        sd_event *event;
        const LifecycleOptions *options;
        const LifecycleHandlers *handlers;
        void *userdata;
        Monitor *monitor;
        Phase phase;
        Request request;
        int exit_status;
        bool pressed;       /* its power button, since it was last asked to go off */
        bool told;          /* QEMU ends because it was decided here, or it said beforehand that it will */
        const char *reason; /* of a failure, for STATUS= at the end; a constant */
        const RunState *state;
        char *description, *status;
        Describe *describe;
        Threads *threads;
        PowerDown *power_down;
        Dump *dump;
        sd_event_source *timer; /* of a reboot, or of a QEMU that should be gone */
};

/* ——— what people see ——— */

static _printf_(2, 3) void set_status(Lifecycle *l, const char *format, ...)
{
        char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0 || streq_null(text, l->status)) {
                if (n >= 0)
                        free(text);
                return;
        }
        free(l->status);
        l->status = text;
        (void) sd_notifyf(0, "STATUS=%s", text);
}

static void show_state(Lifecycle *l)
{
        if (l->phase != PHASE_LIVING)
                return;
        if (l->request == REQUEST_REBOOT)
                set_status(l, "Rebooting…");
        else if (l->request != REQUEST_NONE)
                set_status(l, "Powering down…");
        else if (l->description && *l->description)
                set_status(l, "%s, %s", l->state->text, l->description);
        else
                set_status(l, "%s", l->state->text);
}

const char *lifecycle_status(const Lifecycle *l)
{
        return l->status ?: "Starting";
}

bool lifecycle_is_running(const Lifecycle *l)
{
        return l->phase == PHASE_LIVING && l->state->running;
}

bool lifecycle_is_ending(const Lifecycle *l)
{
        return l->phase == PHASE_ENDING;
}

bool lifecycle_expects(const Lifecycle *l, const EventReport *report)
{
        return report->meaning == EVENT_BUTTON && l->pressed;
}

/* ——— how it ends ——— */

static void stop_request(Lifecycle *l)
{
        l->power_down = power_down_free(l->power_down);
        l->pressed = false;
        if (l->phase != PHASE_ENDING)
                (void) sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
}

/* Once it is decided it stays so, but for a failure that comes on top. */
static void end(Lifecycle *l, int exit_status)
{
        if (l->phase == PHASE_ENDING)
                return;
        stop_request(l);
        l->phase = PHASE_ENDING;
        l->exit_status = exit_status;
        l->told = true;

        /* from here on TimeoutStopSec= counts, also where it was the guest that went off */
        set_status(l, exit_status == EXIT_START_AGAIN ? "Ending, to be started again" : "Ending");
        (void) sd_notify(0, "STOPPING=1");
        if (!l->monitor || monitor_execute(l->monitor, "quit", NULL, NULL, NULL, MONITOR_NO_LIMIT) < 0)
                l->handlers->kill(SIGTERM, l->userdata);
}

static void fail(Lifecycle *l)
{
        end(l, EXIT_FAILURE);
}

static void preserve(Lifecycle *l, const char *what)
{
        stop_request(l);
        l->phase = PHASE_PRESERVED;
        l->request = REQUEST_NONE;
        set_status(l, "%s, kept as it is", what);
        log_notice("%s, and kept as it is; systemctl stop ends the guest.", what);
}

static void on_started_again(const json_t *result, const char *error, void *userdata)
{
        Lifecycle *l = userdata;

        if (result) {
                show_state(l);
                return;
        }
        log_error("The guest cannot be started again: %s", error);
        fail(l);
}

static void reset_and_continue(Lifecycle *l)
{
        stop_request(l);
        l->request = REQUEST_NONE;
        l->phase = PHASE_LIVING;
        log_notice("The guest is started again.");
        if (monitor_execute(l->monitor, "system_reset", NULL, NULL, NULL, MONITOR_PATIENCE) < 0 ||
            monitor_execute(l->monitor, "cont", NULL, on_started_again, l, MONITOR_PATIENCE) < 0)
                fail(l);
}

static void meet_fate(Lifecycle *l, Fate fate, const char *what, int destroyed)
{
        switch (fate) {
        case FATE_RESTART:
        case FATE_DUMP_RESTART:
                end(l, EXIT_START_AGAIN);
                break;
        case FATE_PRESERVE:
                preserve(l, what);
                break;
        case FATE_DESTROY:
        case FATE_DUMP_DESTROY:
                l->reason = destroyed ? what : NULL;
                end(l, destroyed);
                break;
        }
}

static void went_off(Lifecycle *l, bool by_reset)
{
        if (l->request == REQUEST_REBOOT && !by_reset)
                reset_and_continue(l);
        else if (l->request == REQUEST_STOP || l->request == REQUEST_POWER_OFF)
                end(l, 0);
        else if (by_reset && l->options->on_reboot == FATE_RESTART)
                reset_and_continue(l);
        else
                meet_fate(l, by_reset ? l->options->on_reboot : l->options->on_poweroff, "Off", 0);
}

static void crash_ends(Lifecycle *l)
{
        bool stopped = l->request == REQUEST_STOP || l->request == REQUEST_POWER_OFF;

        meet_fate(l, stopped ? FATE_DESTROY : l->options->on_crash, "Crashed", EXIT_FAILURE);
}

static void on_dumped(bool written, void *userdata)
{
        Lifecycle *l = userdata;

        l->dump = dump_free(l->dump);
        if (l->phase == PHASE_DUMPING)
                crash_ends(l);
}

static void crashed(Lifecycle *l)
{
        bool dump = l->options->on_crash == FATE_DUMP_DESTROY || l->options->on_crash == FATE_DUMP_RESTART;

        if (l->phase != PHASE_LIVING)
                return;
        stop_request(l);
        if (dump && !l->options->state_directory)
                log_warning("There is no STATE_DIRECTORY, so the guest's memory is not written.");
        else if (
                dump &&
                dump_new(l->event, l->monitor, l->options->state_directory, on_dumped, l, &l->dump) >= 0) {
                l->phase = PHASE_DUMPING;
                set_status(l, "Crashed, its memory is being written…");
                return;
        }
        crash_ends(l);
}

/* ——— what QEMU says ——— */

static void on_state(const json_t *result, const char *error, void *userdata)
{
        const RunState *before;
        Lifecycle *l = userdata;

        if (!result)
                return;
        before = l->state;
        l->state = run_state_find(json_string_value(json_object_get(result, "status")));
        if (l->state->failed && l->state != before)
                log_entry(LOG_ERR, MESSAGE_ID_PAUSED, NULL, "%s.", l->state->text);
        show_state(l);
}

void lifecycle_event(Lifecycle *l, const EventReport *report)
{
        switch (report->meaning) {
        case EVENT_NOTE:
                break;
        case EVENT_BUTTON:
                l->pressed = true;
                break;
        case EVENT_STATE:
                if (streq(report->name, "RESET") && l->request == REQUEST_REBOOT) {
                        stop_request(l); /* it did so itself */
                        l->request = REQUEST_NONE;
                }
                /* on its way to the end QEMU stops the guest, and may be gone before it reads a question */
                if (l->monitor && l->phase != PHASE_ENDING)
                        (void) monitor_execute(
                                l->monitor, "query-status", NULL, on_state, l, MONITOR_PATIENCE);
                break;
        case EVENT_OFF:
        case EVENT_OFF_BY_RESET:
                if (l->phase == PHASE_LIVING)
                        went_off(l, report->meaning == EVENT_OFF_BY_RESET);
                break;
        case EVENT_OFF_BY_HOST:
                end(l, 0);
                break;
        case EVENT_OFF_BY_FAILURE:
                l->reason = l->request == REQUEST_STOP ? NULL : "QEMU gave the guest up";
                if (l->request == REQUEST_STOP)
                        end(l, 0);
                else
                        fail(l);
                break;
        case EVENT_PANIC:
                crashed(l);
                break;
        case EVENT_DUMPED:
                if (l->dump)
                        dump_completed(l->dump, report->priority <= LOG_ERR);
                break;
        }
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Lifecycle *l = userdata;

        if (l->phase == PHASE_ENDING) {
                log_error("QEMU does not end, and is killed.");
                l->handlers->kill(SIGKILL, l->userdata);
                return 0;
        }
        log_warning("The guest did not react to its power button, and is not rebooted.");
        stop_request(l);
        l->request = REQUEST_NONE;
        show_state(l);
        return 0;
}

static void arm_timer(Lifecycle *l, uint64_t usec)
{
        (void) sd_event_source_set_time_relative(l->timer, usec);
        (void) sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

void lifecycle_monitor_closed(Lifecycle *l, int error)
{
        l->monitor = NULL;
        if (error < 0) {
                log_errno(LOG_ERR, error, "QEMU's monitor is of no use any more");
                l->handlers->kill(SIGKILL, l->userdata);
        }
        if (l->phase != PHASE_ENDING) {
                stop_request(l);
                l->phase = PHASE_ENDING;
                l->exit_status = EXIT_FAILURE;
        }
        arm_timer(l, MONITOR_LOST_USEC);
}

void lifecycle_qemu_ended(Lifecycle *l, int code, int status)
{
        bool clean = code == CLD_EXITED && status == 0;
        _cleanup_(freep) char *how = process_describe_end(code, status);
        _cleanup_(freep) char *field = text_format("EXIT_STATUS=%d", status);
        char *fields[] = { field, NULL };

        if (!l->told) {
                l->exit_status = EXIT_FAILURE;
                log_entry(LOG_ERR, MESSAGE_ID_QEMU_FAILED, fields, "QEMU %s.", how ?: "failed");
                set_status(l, "QEMU %s", how ?: "failed");
        } else {
                if (!clean && !(code == CLD_KILLED && status == SIGTERM)) /* what end() may have sent */
                        log_warning("QEMU %s while it ended.", how ?: "failed");
                set_status(l, "%s", l->reason ?: "Off");
                log_entry(
                        LOG_INFO, MESSAGE_ID_ENDED, NULL,
                        l->exit_status == EXIT_START_AGAIN ? "The guest is off, and is to be started again."
                                                           : "The guest is off.");
        }
        l->handlers->finished(l->exit_status, l->userdata);
}

/* ——— how it begins ——— */

static void on_running(const json_t *result, const char *error, void *userdata)
{
        Lifecycle *l = userdata;

        if (l->phase != PHASE_STARTING)
                return;
        if (!result) {
                log_error("QEMU does not let the guest run: %s", error);
                fail(l);
                return;
        }
        l->phase = PHASE_LIVING;
        l->state = run_state_find("running");
        log_entry(LOG_INFO, MESSAGE_ID_STARTED, NULL, "The guest runs.");
        show_state(l);
        (void) sd_notify(0, "READY=1");
        (void) monitor_execute(l->monitor, "query-status", NULL, on_state, l, MONITOR_PATIENCE);
}

static void on_described(const char *text, void *userdata)
{
        Lifecycle *l = userdata;

        l->description = strdup(text);
        l->describe = describe_free(l->describe);
        if (l->phase == PHASE_STARTING &&
            monitor_execute(l->monitor, "cont", NULL, on_running, l, MONITOR_PATIENCE) < 0)
                fail(l);
}

static void describe_then_run(Lifecycle *l)
{
        if (describe_new(l->monitor, l->options->argv, on_described, l, &l->describe) < 0)
                fail(l);
}

static void on_arranged(bool ok, void *userdata)
{
        Lifecycle *l = userdata;

        l->threads = threads_free(l->threads);
        if (l->phase != PHASE_STARTING)
                return;
        if (ok)
                describe_then_run(l);
        else
                fail(l);
}

static void on_link_down(const json_t *result, const char *error, void *userdata)
{
        Lifecycle *l = userdata;

        if (result || l->phase != PHASE_STARTING)
                return;
        log_error("QEMU does not unplug a network card: %s", error);
        fail(l);
}

static void on_balloon(const json_t *result, const char *error, void *userdata)
{
        Lifecycle *l = userdata;

        if (result || l->phase != PHASE_STARTING)
                return;
        log_error("QEMU does not ask the guest for some of its memory: %s", error);
        fail(l);
}

/* What QEMU has no option for. */
static int set_up_guest(Lifecycle *l)
{
        const LifecycleOptions *o = l->options;
        int r = 0;

        if (o->on_reboot != FATE_RESTART)
                r = monitor_execute(
                        l->monitor, "set-action", json_pack("{s:s}", "reboot", "shutdown"), NULL, NULL,
                        MONITOR_PATIENCE);
        for (size_t i = 0; r >= 0 && i < o->links_down.count; i++)
                r = monitor_execute(
                        l->monitor, "set_link", json_pack("{s:s, s:b}", "name", o->links_down.items[i], "up", 0),
                        on_link_down, l, MONITOR_PATIENCE);
        if (r >= 0 && o->balloon > 0)
                r = monitor_execute(
                        l->monitor, "balloon", json_pack("{s:I}", "value", (json_int_t) o->balloon),
                        on_balloon, l, MONITOR_PATIENCE);
        return r;
}

void lifecycle_begin(Lifecycle *l, Monitor *monitor, pid_t qemu)
{
        l->monitor = monitor;
        if (l->phase != PHASE_STARTING)
                return;
        if (set_up_guest(l) < 0)
                fail(l);
        else if (l->options->threads.count == 0)
                describe_then_run(l);
        else if (threads_new(monitor, &l->options->threads, qemu, on_arranged, l, &l->threads) < 0)
                fail(l);
}

/* ——— what others want ——— */

/* A guest that cannot be asked is reset or ended without. */
static void on_impossible(const char *why, void *userdata)
{
        Lifecycle *l = userdata;

        l->power_down = power_down_free(l->power_down);
        if (l->request == REQUEST_REBOOT) {
                log_notice("The guest cannot be powered down (%s), and is reset.", why);
                reset_and_continue(l);
                return;
        }
        log_notice("The guest cannot be powered down (%s), and is ended.", why);
        end(l, 0);
}

static int power_down(Lifecycle *l, Request request)
{
        int r = 0;

        if (!l->power_down)
                log_info(
                        request == REQUEST_REBOOT ? "The guest is to reboot."
                                                  : "The guest is to turn itself off.");
        /* a reboot that is under way becomes a stop; a second stop changes nothing */
        if (l->request == REQUEST_NONE || l->request == REQUEST_REBOOT || request == REQUEST_STOP)
                l->request = request;
        if (!l->power_down)
                r = power_down_new(l->event, l->monitor, on_impossible, l, &l->power_down);
        if (r < 0) {
                log_errno(LOG_ERR, r, "Cannot power the guest down");
                l->request = REQUEST_NONE;
                return r;
        }
        if (l->request == REQUEST_REBOOT)
                arm_timer(l, REBOOT_PATIENCE_USEC);
        else
                (void) sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
        if (l->request == REQUEST_STOP)
                (void) sd_notify(0, "STOPPING=1");
        show_state(l);
        return 0;
}

int lifecycle_request(Lifecycle *l, Request request)
{
        switch (l->phase) {
        case PHASE_STARTING:
                if (request == REQUEST_REBOOT)
                        return -EBUSY;
                end(l, 0);
                arm_timer(l, MONITOR_LOST_USEC);
                return 0;
        case PHASE_ENDING:
                return request == REQUEST_REBOOT ? -EBUSY : 0;
        case PHASE_DUMPING:
                if (request == REQUEST_REBOOT)
                        return -EBUSY;
                l->request = request; /* the dump comes first */
                if (request == REQUEST_TERMINATE)
                        end(l, 0);
                return 0;
        case PHASE_PRESERVED:
                if (request == REQUEST_REBOOT)
                        reset_and_continue(l);
                else
                        end(l, 0);
                return 0;
        case PHASE_LIVING:
                break;
        }
        if (request != REQUEST_TERMINATE)
                return power_down(l, request);
        end(l, 0);
        return 0;
}

static int execute_alive(Lifecycle *l, const char *command, MonitorReply reply, void *userdata)
{
        if (l->phase != PHASE_LIVING || l->request != REQUEST_NONE)
                return -EBUSY;
        return monitor_execute(l->monitor, command, NULL, reply, userdata, MONITOR_PATIENCE);
}

int lifecycle_pause(Lifecycle *l, MonitorReply reply, void *userdata)
{
        return execute_alive(l, "stop", reply, userdata);
}

int lifecycle_resume(Lifecycle *l, MonitorReply reply, void *userdata)
{
        return execute_alive(l, "cont", reply, userdata);
}

void lifecycle_forget(Lifecycle *l, const void *userdata)
{
        if (l->monitor)
                monitor_forget(l->monitor, userdata);
}

int lifecycle_new(
        sd_event *event, const LifecycleOptions *options, const LifecycleHandlers *handlers, void *userdata,
        Lifecycle **ret)
{
        _cleanup_(lifecycle_freep) Lifecycle *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        *l = (Lifecycle){
                .event = sd_event_ref(event),
                .options = options,
                .handlers = handlers,
                .userdata = userdata,
                .state = run_state_find("prelaunch"),
        };
        r = sd_event_add_time_relative(
                event, &l->timer, CLOCK_MONOTONIC, 0, MONITOR_SECOND / 10, on_timer, l);
        if (r >= 0)
                r = sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

Lifecycle *lifecycle_free(Lifecycle *l)
{
        if (!l)
                return NULL;
        power_down_free(l->power_down);
        dump_free(l->dump);
        describe_free(l->describe);
        threads_free(l->threads);
        sd_event_source_disable_unref(l->timer);
        sd_event_unref(l->event);
        free(l->description);
        free(l->status);
        free(l);
        return NULL;
}
