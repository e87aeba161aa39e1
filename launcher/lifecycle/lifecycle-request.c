/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Requests from systemctl and machinectl, by signals or the control socket. How one is carried out depends
 * on the phase of the guest's life; lifecycle.c decides what follows when the guest reacts.
 */

#include "launcher/lifecycle/lifecycle-private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "contract/message-ids.h"
#include "log/log.h"
#include "util/text.h"

#define HANGING_USEC (5 * MONITOR_SECOND) /* a QEMU that was told to end and does not */

/* A guest that cannot be asked is reset or ended without. */
static void on_impossible(const char *why, void *userdata)
{
        Lifecycle *l = userdata;

        l->power_down = power_down_free(l->power_down);
        if (l->request == REQUEST_REBOOT) {
                log_notice("Cannot power down the guest (%s); resetting it.", why);
                lifecycle_start_again(l);
                return;
        }
        log_entry(
                LOG_ERR, MESSAGE_ID_GIVEN_UP, NULL,
                "Cannot power down the guest (%s); terminating it. Data that it had not written yet is "
                "lost.",
                why);
        l->reason = "Terminated without powering down";
        lifecycle_fail(l);
}

/* When the guest is killed; NULL if out of memory. The time is the one that held when the guest started. */
static char *describe_kill(const Lifecycle *l)
{
        uint64_t limit = l->options->stop_usec, now = 0, waited;

        (void) sd_event_now(l->event, CLOCK_MONOTONIC, &now);
        waited = now - l->stop_begun;
        if (limit == UINT64_MAX)
                return strdup("systemd does not limit the time (TimeoutStopSec=infinity); to end it by "
                              "force, use systemctl kill");
        if (limit <= waited)
                return strdup("systemd kills it when TimeoutStopSec= of its unit is over");
        return text_format(
                "systemd kills it in %" PRIu64 " s (TimeoutStopSec=)",
                (limit - waited + MONITOR_SECOND - 1) / MONITOR_SECOND);
}

static char *describe_next(const Lifecycle *l)
{
        if (l->request == REQUEST_STOP)
                return describe_kill(l);
        return strdup(
                l->request == REQUEST_REBOOT ? "the reboot is given up after 120 s"
                                             : "to end it by force, use systemctl kill");
}

static void on_waiting(unsigned seconds, void *userdata)
{
        Lifecycle *l = userdata;
        _cleanup_(freep) char *next = describe_next(l);

        if (!next)
                return;
        log_entry(
                LOG_NOTICE, MESSAGE_ID_WAITING, NULL,
                "The guest has not reacted to its power button for %u s (%s); %s.", seconds, l->state->text,
                next);
        lifecycle_set_status(
                l, "%s for %u s, the guest has not reacted yet; %s",
                l->request == REQUEST_REBOOT ? "Rebooting" : "Powering down", seconds, next);
}

static const PowerDownHandlers power_down_handlers = { .impossible = on_impossible, .waits = on_waiting };

static void note_stop(Lifecycle *l)
{
        if (l->request != REQUEST_STOP || l->stop_begun > 0)
                return;
        (void) sd_event_now(l->event, CLOCK_MONOTONIC, &l->stop_begun);
        (void) sd_notify(0, "STOPPING=1");
}

static int power_down(Lifecycle *l, Request request)
{
        int r = 0;

        if (!l->power_down)
                log_info(
                        request == REQUEST_REBOOT ? "Asking the guest to reboot."
                                                  : "Asking the guest to power off.");
        /* a reboot that is under way becomes a stop; a second stop changes nothing */
        if (l->request == REQUEST_NONE || l->request == REQUEST_REBOOT || request == REQUEST_STOP)
                l->request = request;
        if (!l->power_down)
                r = power_down_new(
                        l->event, l->monitor, l->chardev ? l->agent : NULL, l->chardev, &power_down_handlers,
                        l, &l->power_down);
        if (r < 0) {
                log_errno(LOG_ERR, r, "Failed to power down the guest");
                l->request = REQUEST_NONE;
                return r;
        }
        lifecycle_break_still(l);
        if (l->request == REQUEST_REBOOT)
                lifecycle_arm_timer(l, REBOOT_PATIENCE_USEC);
        else
                (void) sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
        note_stop(l);
        lifecycle_show_state(l);
        return 0;
}

/* What the guest is to do if it cannot be saved. */
static int request_while_saving(Lifecycle *l, Request request)
{
        if (request == REQUEST_REBOOT)
                return -EBUSY;
        if (request == REQUEST_TERMINATE) {
                lifecycle_end(l, 0);
                lifecycle_arm_timer(l, HANGING_USEC);
                return 0;
        }
        l->request = request;
        if (request == REQUEST_STOP)
                (void) l->handlers->save(l->userdata);
        note_stop(l);
        return 0;
}

int lifecycle_request(Lifecycle *l, Request request)
{
        switch (l->phase) {
        case PHASE_STARTING:
                if (request == REQUEST_REBOOT)
                        return -EBUSY;
                lifecycle_end(l, 0);
                lifecycle_arm_timer(l, MONITOR_LOST_USEC);
                return 0;
        case PHASE_ENDING:
                return request == REQUEST_REBOOT ? -EBUSY : 0;
        case PHASE_DUMPING:
                if (request == REQUEST_REBOOT)
                        return -EBUSY;
                l->request = request; /* the dump comes first */
                if (request == REQUEST_TERMINATE)
                        lifecycle_end(l, 0);
                return 0;
        case PHASE_PRESERVED:
                if (request == REQUEST_REBOOT)
                        lifecycle_start_again(l);
                else
                        lifecycle_end(l, 0);
                return 0;
        case PHASE_SAVING:
                return request_while_saving(l, request);
        case PHASE_LIVING:
                break;
        }
        if (request == REQUEST_STOP && l->options->save_on_stop && !l->power_down &&
            l->handlers->save(l->userdata)) {
                l->request = request;
                note_stop(l);
                return 0;
        }
        if (request != REQUEST_TERMINATE)
                return power_down(l, request);
        lifecycle_end(l, 0);
        lifecycle_arm_timer(l, HANGING_USEC);
        return 0;
}

const char *lifecycle_why_busy(const Lifecycle *l)
{
        switch (l->phase) {
        case PHASE_STARTING:
                return "the guest is still starting";
        case PHASE_SAVING:
                return "the guest is being saved";
        case PHASE_DUMPING:
                return "the guest crashed and its memory is being written";
        case PHASE_PRESERVED:
                return "the guest is off or crashed, and only preserved; it can be restarted or stopped";
        case PHASE_ENDING:
                return "the guest is about to end";
        case PHASE_LIVING:
                break;
        }
        return l->request != REQUEST_NONE ? "the guest is being powered down" : NULL;
}

void lifecycle_begin_saving(Lifecycle *l)
{
        l->phase = PHASE_SAVING;
        l->missed = EVENT_NOTE;
        lifecycle_set_status(l, "Saving");
}

/* What it did meanwhile, and what it was asked to do, follow now. */
static void go_on(Lifecycle *l)
{
        Request request = l->request;
        EventMeaning missed = l->missed;

        l->phase = PHASE_LIVING;
        l->missed = EVENT_NOTE;
        lifecycle_show_state(l);
        (void) monitor_execute(l->monitor, "query-status", NULL, lifecycle_on_state, l, MONITOR_PATIENCE);
        if (missed == EVENT_PANIC)
                lifecycle_crashed(l);
        else if (missed != EVENT_NOTE)
                lifecycle_went_off(l, missed == EVENT_OFF_BY_RESET);
        else if (request != REQUEST_NONE && power_down(l, request) < 0)
                lifecycle_fail(l);
}

void lifecycle_end_saving(Lifecycle *l, bool saved)
{
        if (l->phase != PHASE_SAVING)
                return;
        if (!saved) {
                go_on(l);
                return;
        }
        l->reason = "Saved";
        lifecycle_end(l, 0);
        lifecycle_arm_timer(l, MONITOR_LOST_USEC);
}

int lifecycle_pause(Lifecycle *l, MonitorReply reply, void *userdata)
{
        if (lifecycle_why_busy(l))
                return -EBUSY;
        if (l->still.ours) {
                l->still.ours = false;
                lifecycle_show_state(l); /* QEMU sends no event, since it does not run */
        }
        return monitor_execute(l->monitor, "stop", NULL, reply, userdata, MONITOR_PATIENCE);
}

bool lifecycle_takes_commands(const Lifecycle *l)
{
        return l->monitor && l->phase != PHASE_STARTING && l->phase != PHASE_SAVING &&
               l->phase != PHASE_ENDING;
}

int lifecycle_execute(
        Lifecycle *l, const char *command, json_t *arguments, int fd, MonitorReply reply, void *userdata)
{
        if (!lifecycle_takes_commands(l)) {
                json_decref(arguments);
                return -EBUSY;
        }
        return fd < 0 ? monitor_execute(l->monitor, command, arguments, reply, userdata, MONITOR_PATIENCE)
                      : monitor_execute_fd(l->monitor, command, arguments, fd, reply, userdata);
}

const Monitor *lifecycle_monitor(const Lifecycle *l)
{
        return lifecycle_takes_commands(l) ? l->monitor : NULL;
}

void lifecycle_forget(Lifecycle *l, const void *userdata)
{
        lifecycle_forget_resumes(l, userdata);
        lifecycle_forget_stills(l, userdata);
        if (l->monitor)
                monitor_forget(l->monitor, userdata);
}
