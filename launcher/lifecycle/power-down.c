/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A press of the power button is lost while the guest's firmware runs, without any sign. So the button is
 * pressed until the guest powers off, which lifecycle.c notices: four times a second at first, since
 * firmware takes no longer than a few seconds, then every second, and after half a minute only every ten
 * seconds, because by then the guest is either shutting down or ignoring it. TimeoutStopSec= of the unit
 * limits the time.
 *
 * Before each press QEMU is asked for the guest's state, because a sleeping guest must be woken first and a
 * paused one must continue. A guest stopped by a failure of the host, such as a full disk, is resumed only
 * once: if the problem is solved it saves its data and powers off, otherwise it would stop again each time.
 *
 * A guest that does not listen to its button may have an agent. Where the guest has opened the agent's port,
 * the agent is told first to shut the guest down, and the button is the second way.
 */

#include "launcher/lifecycle/power-down.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "log/log.h"
#include "util/text.h"

#define HASTY_PRESSES   8
#define HASTY_INTERVAL  (MONITOR_SECOND / 4)
#define EAGER_PRESSES   36 /* those before included */
#define EAGER_INTERVAL  MONITOR_SECOND
#define CALM_INTERVAL   (10 * MONITOR_SECOND)
#define ACCURACY        (MONITOR_SECOND / 1000) /* sd_event may be late by as much, and then is */
#define AGENT_SECONDS   3U                      /* for the agent to answer, or say that it cannot */
#define AGENT_PATIENCE  (20 * MONITOR_SECOND)   /* for the guest then, before its button is pressed */
#define ROUSED_INTERVAL (MONITOR_SECOND / 5)
#define REPORT_SECONDS  10U

struct PowerDown {
        sd_event_source *timer;
        Monitor *monitor;
        Agent *agent, *asked; /* agent: NULL once it was tried */
        const char *chardev;
        uint64_t agent_until; /* CLOCK_MONOTONIC: so long the guest is shutting down by itself */
        const PowerDownHandlers *handlers;
        void *userdata;
        unsigned presses;
        uint64_t begun;        /* CLOCK_MONOTONIC */
        unsigned reported;     /* seconds */
        const RunState *tried; /* it was let continue from there */
        bool busy;             /* QEMU has not answered the last step yet */
};

PowerDown *power_down_free(PowerDown *p)
{
        if (!p)
                return NULL;
        monitor_forget(p->monitor, p);
        if (p->asked)
                agent_forget(p->asked, p);
        sd_event_source_disable_unref(p->timer);
        free(p);
        return NULL;
}

static void execute(PowerDown *p, const char *command, MonitorReply reply)
{
        p->busy = monitor_execute(p->monitor, command, NULL, reply, p, 5 * MONITOR_SECOND) >= 0;
}

static uint64_t now_usec(PowerDown *p)
{
        uint64_t now = 0;

        (void) sd_event_now(sd_event_source_get_event(p->timer), CLOCK_MONOTONIC, &now);
        return now;
}

static void on_agent(const json_t *result, const char *error, void *userdata)
{
        PowerDown *p = userdata;

        p->busy = false;
        if (result)
                p->agent_until = now_usec(p) + AGENT_PATIENCE;
        else {
                log_info(
                        "The guest agent does not shut the guest down (%s); pressing the power button.",
                        error);
                (void) sd_event_source_set_time_relative(p->timer, 0);
        }
}

/* Whether the guest has opened the agent's port. */
static bool is_open(const json_t *chardevs, const char *label)
{
        const json_t *one;
        size_t i;

        json_array_foreach(chardevs, i, one) {
                if (streq_null(json_string_value(json_object_get(one, "label")), label))
                        return json_is_true(json_object_get(one, "frontend-open"));
        }
        return false;
}

static void on_chardevs(const json_t *result, const char *error, void *userdata)
{
        PowerDown *p = userdata;

        p->asked = TAKE_PTR(p->agent);
        p->busy = is_open(result, p->chardev) &&
                  agent_execute(
                          p->asked, "guest-shutdown", json_pack("{s:s}", "mode", "powerdown"), AGENT_SECONDS,
                          on_agent, p) >= 0;
        if (p->busy)
                log_info("Asking the guest agent to shut the guest down.");
        else
                (void) sd_event_source_set_time_relative(p->timer, 0);
}

static void on_pressed(const json_t *result, const char *error, void *userdata)
{
        PowerDown *p = userdata;

        p->busy = false;
}

static void press(PowerDown *p)
{
        if (p->agent)
                execute(p, "query-chardev", on_chardevs);
        else if (now_usec(p) >= p->agent_until) {
                p->presses++;
                execute(p, "system_powerdown", on_pressed);
        }
}

/* The last thing that is done with p. */
static void give_up(PowerDown *p, const char *why)
{
        (void) sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
        p->handlers->impossible(why, p->userdata);
}

static void on_roused(const json_t *result, const char *error, void *userdata)
{
        PowerDown *p = userdata;

        p->busy = false;
        if (!result) {
                give_up(p, error);
                return;
        }
        (void) sd_event_source_set_time_relative(p->timer, ROUSED_INTERVAL);
}

/* It stops again and again for the same reason: trying once tells. */
static void try_to_continue(PowerDown *p, const RunState *state)
{
        if (p->tried == state) {
                _cleanup_(freep) char *why = text_format("%s again after it was resumed", state->text);

                /* p may be freed in it */
                give_up(p, why ?: state->text);
                return;
        }
        p->tried = state;
        log_notice("%s; resuming the guest so that it can power off.", state->text);
        execute(p, "cont", on_roused);
}

static void on_state(const json_t *result, const char *error, void *userdata)
{
        const RunState *state = run_state_find(json_string_value(json_object_get(result, "status")));
        PowerDown *p = userdata;

        p->busy = false;
        if (!result)
                return; /* there is nothing to do but to go on asking */
        switch (state->way) {
        case POWER_DOWN_BUTTON:
                press(p);
                break;
        case POWER_DOWN_WAKE:
                execute(p, "system_wakeup", on_roused);
                break;
        case POWER_DOWN_CONTINUE:
                execute(p, "cont", on_roused);
                break;
        case POWER_DOWN_TRY:
                try_to_continue(p, state);
                break;
        case POWER_DOWN_WAIT:
                break;
        case POWER_DOWN_IMPOSSIBLE:
                give_up(p, state->text);
                break;
        }
}

static void report(PowerDown *p)
{
        uint64_t now = 0;
        unsigned seconds;

        (void) sd_event_now(sd_event_source_get_event(p->timer), CLOCK_MONOTONIC, &now);
        seconds = (unsigned) ((now - p->begun) / MONITOR_SECOND);
        seconds -= seconds % REPORT_SECONDS;
        if (seconds <= p->reported)
                return;
        p->reported = seconds;
        p->handlers->waits(seconds, p->userdata);
}

static uint64_t interval(unsigned presses)
{
        if (presses < HASTY_PRESSES)
                return HASTY_INTERVAL;
        return presses < EAGER_PRESSES ? EAGER_INTERVAL : CALM_INTERVAL;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        PowerDown *p = userdata;

        report(p);
        if (!p->busy)
                execute(p, "query-status", on_state);
        (void) sd_event_source_set_time_relative(s, interval(p->presses));
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

int power_down_new(
        sd_event *event, Monitor *monitor, Agent *agent, const char *chardev,
        const PowerDownHandlers *handlers, void *userdata, PowerDown **ret)
{
        _cleanup_(power_down_freep) PowerDown *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        *p = (PowerDown){ .monitor = monitor,
                          .agent = agent,
                          .chardev = chardev,
                          .handlers = handlers,
                          .userdata = userdata };
        r = sd_event_now(event, CLOCK_MONOTONIC, &p->begun);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &p->timer, CLOCK_MONOTONIC, 0, ACCURACY, on_timer, p);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}
