/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a guest begins: QEMU is there and stopped (-S). What its command line cannot say is set up by the
 * monitor, QEMU is asked what a person wants to know, the guest is let run, and only then systemd is told,
 * and not before machined knows the guest. Whatever of that fails ends the start.
 */

#include "launcher/lifecycle/lifecycle-private.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "contract/message-ids.h"
#include "log/log.h"
#include "util/text.h"

void lifecycle_tell_ready(Lifecycle *l)
{
        if (!l->ran || l->ready)
                return;
        l->ready = true;
        (void) sd_notify(0, "READY=1");
}

void lifecycle_registered(Lifecycle *l)
{
        l->registered = true;
        if (l->phase != PHASE_ENDING)
                lifecycle_tell_ready(l);
}

static void live(Lifecycle *l, const char *state)
{
        l->phase = PHASE_LIVING;
        l->ran = true;
        l->state = run_state_find(state);
        lifecycle_show_state(l);
        if (l->registered)
                lifecycle_tell_ready(l);
        (void) monitor_execute(l->monitor, "query-status", NULL, lifecycle_on_state, l, MONITOR_PATIENCE);
}

static void on_running(const json_t *result, const char *error, void *userdata)
{
        Lifecycle *l = userdata;

        if (l->phase != PHASE_STARTING)
                return;
        if (!result) {
                log_error("QEMU failed to start the guest: %s", error);
                lifecycle_fail(l);
                return;
        }
        log_entry(LOG_INFO, MESSAGE_ID_STARTED, NULL, "The guest is running.");
        live(l, "running");
}

void lifecycle_restored(Lifecycle *l, bool running)
{
        if (l->phase == PHASE_STARTING)
                live(l, running ? "running" : "paused");
}

void lifecycle_refuse(Lifecycle *l, int exit_status, const char *reason)
{
        l->reason = reason;
        lifecycle_end(l, exit_status);
        lifecycle_arm_timer(l, MONITOR_LOST_USEC); /* it may be busy with what it cannot read */
}

static void on_described(const char *text, void *userdata)
{
        Lifecycle *l = userdata;

        l->description = strdup(text);
        l->describe = describe_free(l->describe);
        if (l->phase == PHASE_STARTING && !l->handlers->restore(l->userdata) &&
            monitor_execute(l->monitor, "cont", NULL, on_running, l, MONITOR_PATIENCE) < 0)
                lifecycle_fail(l);
}

static void describe_then_run(Lifecycle *l)
{
        if (l->handlers->confine(l->userdata) < 0 ||
            describe_new(l->monitor, l->options->argv, on_described, l, &l->describe) < 0)
                lifecycle_fail(l);
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
                lifecycle_fail(l);
}

static void on_link_down(const json_t *result, const char *error, void *userdata)
{
        Lifecycle *l = userdata;

        if (result || l->phase != PHASE_STARTING)
                return;
        log_error("QEMU failed to set a network link down: %s", error);
        lifecycle_fail(l);
}

static void on_balloon(const json_t *result, const char *error, void *userdata)
{
        Lifecycle *l = userdata;

        if (result || l->phase != PHASE_STARTING)
                return;
        log_error("QEMU failed to set the balloon's size: %s", error);
        lifecycle_fail(l);
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
                        l->monitor, "set_link",
                        json_pack("{s:s, s:b}", "name", o->links_down.items[i], "up", 0), on_link_down, l,
                        MONITOR_PATIENCE);
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
                lifecycle_fail(l);
        else if (l->options->threads.count == 0)
                describe_then_run(l);
        else if (threads_new(monitor, &l->options->threads, qemu, on_arranged, l, &l->threads) < 0)
                lifecycle_fail(l);
}
