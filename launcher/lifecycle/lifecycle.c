/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Decides what follows from QEMU's events, from requests (systemctl, machinectl) and from on_poweroff,
 * on_reboot and on_crash in the XML. The results are commands to QEMU, STATUS= for people, and an exit
 * status that tells systemd how to continue:
 *
 *     0    the guest is off and stays off
 *     133  restart: on_…='restart'. The unit has RestartForceExitStatus=133, and systemd keeps the TAPs
 *          meanwhile. This starts a new QEMU, as libvirt does for a guest that was off, so that changes of
 *          the unit or of QEMU take effect.
 *     1    QEMU or the guest failed. A crash with on_crash='destroy' counts as a failure, so that systemctl
 *          shows it and the administrator can add Restart=on-failure.
 *
 * QEMU runs with -no-shutdown: when the guest powers off, QEMU stays, sends an event and waits for the
 * decision made here. QEMU carries out a reset itself, unless on_reboot says otherwise; then QEMU treats it
 * as a power-off.
 *
 * A requested reboot restarts the guest, not the unit: a power-down and, when the guest is off, a reset in
 * the same QEMU. So the guest keeps its registration, its process and the clients of its console, as with
 * libvirt.
 *
 * QEMU is not trusted: a guest that took it over can send false events. They can only cause what the guest
 * may do anyway: power off, restart, or fail.
 */

#include "launcher/lifecycle/lifecycle-private.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "contract/message-ids.h"
#include "launcher/run/process.h"
#include "log/log.h"
#include "util/text.h"

/* ——— what people see ——— */

void lifecycle_set_status(Lifecycle *l, const char *format, ...)
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

/* The administrator has to act, so the status says how. */
static void show_stopped(Lifecycle *l)
{
        _cleanup_(freep) char *resume = event_resume_command(l->options->guest);

        if (l->trouble && streq(l->state->name, "io-error"))
                lifecycle_set_status(l, "%s. %s", l->state->text, l->trouble);
        else
                lifecycle_set_status(l, "%s. To let it continue: %s", l->state->text, resume ?: "");
}

void lifecycle_show_state(Lifecycle *l)
{
        if (l->phase != PHASE_LIVING)
                return;
        if (l->request == REQUEST_REBOOT)
                lifecycle_set_status(l, "Rebooting…");
        else if (l->request != REQUEST_NONE)
                lifecycle_set_status(l, "Powering down…");
        else if (l->still.ours && !l->state->running)
                lifecycle_set_status(l, "Standing still for a moment, while a client copies its state");
        else if (l->state->curable)
                show_stopped(l);
        else if (l->description && *l->description)
                lifecycle_set_status(l, "%s, %s", l->state->text, l->description);
        else
                lifecycle_set_status(l, "%s", l->state->text);
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
        if (report->meaning == EVENT_BUTTON)
                return l->pressed;
        /* each request to a disk that failed is an event of its own */
        if (report->meaning == EVENT_DISK_STOP && streq_null(report->text, l->trouble))
                return true;
        /* saving and restoring are entries of their own */
        if (l->phase == PHASE_STARTING)
                return streq(report->name, "RESUME") || streq(report->name, "MIGRATION");
        if (l->phase == PHASE_SAVING)
                return streq(report->name, "STOP") || streq(report->name, "RESUME") ||
                       streq(report->name, "MIGRATION");
        if (l->phase == PHASE_ENDING)
                return streq(report->name, "STOP") || report->meaning == EVENT_OFF_BY_HOST;
        return false;
}

/* ——— how it ends ——— */

static void stop_request(Lifecycle *l)
{
        l->power_down = power_down_free(l->power_down);
        l->pressed = false;
        if (l->phase != PHASE_ENDING)
                (void) sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
}

/* A decision is final, except that a later failure overrides it. */
void lifecycle_end(Lifecycle *l, int exit_status)
{
        if (l->phase == PHASE_ENDING)
                return;
        stop_request(l);
        lifecycle_tell_ready(l); /* it did run, if only for a moment */
        l->phase = PHASE_ENDING;
        l->exit_status = exit_status;
        l->told = true;

        /* starts TimeoutStopSec=, also if the guest powered off by itself */
        lifecycle_set_status(l, exit_status == EXIT_START_AGAIN ? "Ending, to be restarted" : "Ending");
        (void) sd_notify(0, "STOPPING=1");
        if (!l->monitor || monitor_execute(l->monitor, "quit", NULL, NULL, NULL, MONITOR_NO_LIMIT) < 0)
                l->handlers->kill(SIGKILL, l->userdata);
}

void lifecycle_fail(Lifecycle *l)
{
        lifecycle_end(l, EXIT_FAILURE);
}

static void preserve(Lifecycle *l, const char *what)
{
        stop_request(l);
        l->phase = PHASE_PRESERVED;
        l->request = REQUEST_NONE;
        lifecycle_set_status(l, "%s, preserved", what);
        log_notice("%s; preserving the guest as configured. To end it, use systemctl stop.", what);
}

static void on_started_again(const json_t *result, const char *error, void *userdata)
{
        Lifecycle *l = userdata;

        if (result) {
                lifecycle_show_state(l);
                return;
        }
        log_error("Failed to restart the guest: %s", error);
        lifecycle_fail(l);
}

void lifecycle_start_again(Lifecycle *l)
{
        stop_request(l);
        lifecycle_break_still(l);
        l->request = REQUEST_NONE;
        l->phase = PHASE_LIVING;
        log_notice("Restarting the guest.");
        if (monitor_execute(l->monitor, "system_reset", NULL, NULL, NULL, MONITOR_PATIENCE) < 0 ||
            monitor_execute(l->monitor, "cont", NULL, on_started_again, l, MONITOR_PATIENCE) < 0)
                lifecycle_fail(l);
}

static void meet_fate(Lifecycle *l, Fate fate, const char *what, int destroyed)
{
        switch (fate) {
        case FATE_RESTART:
        case FATE_DUMP_RESTART:
                lifecycle_end(l, EXIT_START_AGAIN);
                break;
        case FATE_PRESERVE:
                preserve(l, what);
                break;
        case FATE_DESTROY:
        case FATE_DUMP_DESTROY:
                l->reason = destroyed ? what : NULL;
                lifecycle_end(l, destroyed);
                break;
        }
}

void lifecycle_went_off(Lifecycle *l, bool by_reset)
{
        if (l->request == REQUEST_REBOOT && !by_reset)
                lifecycle_start_again(l);
        else if (l->request == REQUEST_STOP || l->request == REQUEST_POWER_OFF)
                lifecycle_end(l, 0);
        else if (by_reset && l->options->on_reboot == FATE_RESTART)
                lifecycle_start_again(l);
        else
                meet_fate(l, by_reset ? l->options->on_reboot : l->options->on_poweroff, "Off", 0);
}

void lifecycle_crash_ends(Lifecycle *l)
{
        bool stopped = l->request == REQUEST_STOP || l->request == REQUEST_POWER_OFF;

        meet_fate(l, stopped ? FATE_DESTROY : l->options->on_crash, "Crashed", EXIT_FAILURE);
}

/* ——— what QEMU says ——— */

void lifecycle_on_state(const json_t *result, const char *error, void *userdata)
{
        const RunState *before;
        Lifecycle *l = userdata;

        if (!result)
                return;
        before = l->state;
        l->state = run_state_find(json_string_value(json_object_get(result, "status")));
        if (l->state->failed && l->state != before)
                log_entry(LOG_ERR, MESSAGE_ID_PAUSED, NULL, "%s.", l->state->text);
        lifecycle_show_state(l);
}

void lifecycle_network_lost(Lifecycle *l, const char *id, const char *how)
{
        if (l->phase == PHASE_ENDING)
                return;
        if (l->phase == PHASE_STARTING) {
                log_error("passt %s; not starting the guest without its network %s.", how, id);
                l->reason = "passt failed";
                lifecycle_fail(l);
                return;
        }
        log_entry(
                LOG_ERR, MESSAGE_ID_NETWORK_LOST, NULL,
                "passt %s; the guest's network %s is lost until the guest's unit is restarted.", how, id);
        (void) monitor_execute(
                l->monitor, "set_link", json_pack("{s:s, s:b}", "name", id, "up", 0), NULL, NULL,
                MONITOR_PATIENCE);
}

/* On its way to the end QEMU stops the guest, and may be gone before it reads a question. */
static void ask_state(Lifecycle *l)
{
        if (l->monitor && l->phase != PHASE_ENDING)
                (void) monitor_execute(
                        l->monitor, "query-status", NULL, lifecycle_on_state, l, MONITOR_PATIENCE);
}

/* Until QEMU has said it: who paused the guest may ask for its state as soon as that is done. */
static void guess_state(Lifecycle *l, const char *event)
{
        if (streq(event, "STOP") && l->state->running)
                l->state = run_state_find("paused");
        else if (streq(event, "RESUME") && !l->state->running)
                l->state = run_state_find("running");
        else
                return;
        lifecycle_show_state(l);
}

static void clear_trouble(Lifecycle *l)
{
        free(l->trouble);
        l->trouble = NULL;
}

void lifecycle_event(Lifecycle *l, const EventReport *report)
{
        switch (report->meaning) {
        case EVENT_NOTE:
                break;
        case EVENT_BUTTON:
                l->pressed = true;
                break;
        case EVENT_DISK_STOP:
                free(l->trouble);
                l->trouble = strdup(report->text);
                ask_state(l);
                break;
        case EVENT_STATE:
                if (streq(report->name, "RESUME"))
                        clear_trouble(l);
                guess_state(l, report->name);
                if (streq(report->name, "RESET") && l->request == REQUEST_REBOOT) {
                        stop_request(l); /* it did so itself */
                        l->request = REQUEST_NONE;
                }
                ask_state(l);
                break;
        case EVENT_OFF:
        case EVENT_OFF_BY_RESET:
                if (l->phase == PHASE_LIVING)
                        lifecycle_went_off(l, report->meaning == EVENT_OFF_BY_RESET);
                else if (l->phase == PHASE_SAVING)
                        l->missed = report->meaning;
                break;
        case EVENT_OFF_BY_HOST:
                lifecycle_end(l, 0);
                break;
        case EVENT_OFF_BY_FAILURE:
                l->reason = l->request == REQUEST_STOP ? NULL : "QEMU ended the guest";
                if (l->request == REQUEST_STOP)
                        lifecycle_end(l, 0);
                else
                        lifecycle_fail(l);
                break;
        case EVENT_PANIC:
                if (l->phase == PHASE_LIVING) {
                        stop_request(l);
                        lifecycle_crashed(l);
                } else if (l->phase == PHASE_SAVING)
                        l->missed = EVENT_PANIC;
                break;
        case EVENT_WATCHDOG:
                ask_state(l);
                if (l->phase == PHASE_LIVING && l->options->dump_on_watchdog)
                        lifecycle_hung(l);
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
                log_error("QEMU did not exit in time; killing it.");
                l->handlers->kill(SIGKILL, l->userdata);
                return 0;
        }
        log_warning("The guest did not react to its power button; giving up the reboot.");
        stop_request(l);
        l->request = REQUEST_NONE;
        lifecycle_show_state(l);
        return 0;
}

void lifecycle_arm_timer(Lifecycle *l, uint64_t usec)
{
        (void) sd_event_source_set_time_relative(l->timer, usec);
        (void) sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

void lifecycle_monitor_closed(Lifecycle *l, int error)
{
        l->monitor = NULL;
        lifecycle_refuse_resumes(l, "QEMU closed its monitor");
        if (error < 0) {
                log_errno(LOG_ERR, error, "QEMU's monitor failed; killing QEMU");
                l->handlers->kill(SIGKILL, l->userdata);
        }
        if (l->phase != PHASE_ENDING) {
                stop_request(l);
                l->phase = PHASE_ENDING;
                l->exit_status = EXIT_FAILURE;
        }
        lifecycle_arm_timer(l, MONITOR_LOST_USEC);
}

void lifecycle_qemu_ended(Lifecycle *l, int code, int status)
{
        bool clean = code == CLD_EXITED && status == 0;
        _cleanup_(freep) char *how = process_describe_end(code, status), *why = NULL;
        _cleanup_(freep) char *field = text_format("EXIT_STATUS=%d", status);
        char *fields[] = { field, NULL };

        if (!l->told) {
                l->exit_status = EXIT_FAILURE;
                if (!l->ran)
                        why = l->handlers->explain(&l->exit_status, l->userdata);
                if (why)
                        log_entry(LOG_ERR, MESSAGE_ID_QEMU_FAILED, fields, "%s", why);
                else
                        log_entry(LOG_ERR, MESSAGE_ID_QEMU_FAILED, fields, "QEMU %s.", how ?: "failed");
                lifecycle_set_status(l, "QEMU %s", how ?: "failed");
        } else {
                if (!clean &&
                    !(code == CLD_KILLED && status == SIGKILL)) /* what lifecycle_end() may have sent */
                        log_warning("QEMU %s while exiting.", how ?: "failed");
                lifecycle_set_status(l, "%s", l->reason ?: "Off");
                log_entry(
                        LOG_INFO, MESSAGE_ID_ENDED, NULL,
                        l->exit_status == EXIT_START_AGAIN ? "The guest is off; restarting it."
                                                           : "The guest is off.");
        }
        l->handlers->finished(l->exit_status, l->userdata);
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

void lifecycle_set_agent(Lifecycle *l, Agent *agent)
{
        l->agent = agent;
        l->chardev = agent_find_chardev(l->options->argv);
}

Lifecycle *lifecycle_free(Lifecycle *l)
{
        if (!l)
                return NULL;
        free(l->chardev);
        power_down_free(l->power_down);
        dump_free(l->dump);
        describe_free(l->describe);
        threads_free(l->threads);
        sd_event_source_disable_unref(l->timer);
        sd_event_unref(l->event);
        lifecycle_forget_resumes(l, NULL);
        lifecycle_forget_stills(l, NULL);
        sd_event_source_disable_unref(l->still.timer);
        free(l->trouble);
        free(l->description);
        free(l->status);
        free(l);
        return NULL;
}
