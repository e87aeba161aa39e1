/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The commands in a batch that are not QEMU's (launcher/command/batch.h). What is wrong with one is said as
 * QEMU would: in a reply, after those that QEMU was given before. So a batch need not tell them apart.
 */

#include <errno.h>

#include "launcher/command/batch-private.h"
#include "util/text.h"

#define AGENT_SECONDS     30
#define AGENT_SECONDS_MAX 3600

static void on_refused(const json_t *result, const char *error, void *userdata)
{
        Batch *b = userdata;

        b->own_reply(NULL, b->own_error, b);
}

/* why: a constant. */
static int refuse(Batch *b, const char *why, MonitorReply reply)
{
        b->own_error = why;
        b->own_reply = reply;
        return lifecycle_execute(b->life, "query-status", NULL, -1, on_refused, b);
}

/* What failed is no hold, and must not end that of another client later. */
static void on_held(const json_t *result, const char *error, void *userdata)
{
        Batch *b = userdata;

        if (!result)
                *batch_still(b) = 0;
        b->own_reply(result, error, b);
}

static int hold_still(Batch *b, unsigned *still, MonitorReply reply)
{
        unsigned number;
        int r;

        if (*still > 0)
                return refuse(b, "the guest stands still for this client already", reply);
        b->own_reply = reply;
        r = lifecycle_hold_still(b->life, &number, on_held, b);
        if (r == -EBUSY && lifecycle_why_busy(b->life))
                return refuse(b, lifecycle_why_busy(b->life), reply);
        if (r >= 0)
                *still = number + 1;
        return r;
}

static int go_on(Batch *b, unsigned *still, MonitorReply reply)
{
        unsigned number = *still;

        if (number == 0)
                return refuse(b, "the guest does not stand still for this client", reply);
        *still = 0;
        return lifecycle_go_on(b->life, number - 1, reply, b);
}

static int ask_agent(Batch *b, json_t *arguments, MonitorReply reply)
{
        const char *command = json_string_value(json_object_get(arguments, "execute"));
        json_t *inner = json_object_get(arguments, "arguments"),
               *timeout = json_object_get(arguments, "timeout");
        json_int_t seconds = timeout ? json_integer_value(timeout) : AGENT_SECONDS;

        if (!b->batches->agent)
                return refuse(b, "the guest has no agent that is served here", reply);
        if (!command || !*command || (inner && !json_is_object(inner)) || seconds < 1 ||
            seconds > AGENT_SECONDS_MAX)
                return refuse(b, "guest-agent: expected execute, arguments and timeout", reply);
        return agent_execute(b->batches->agent, command, json_incref(inner), (unsigned) seconds, reply, b);
}

int own_execute(
        Batch *b, unsigned *still, const char *command, json_t *arguments, int fd, MonitorReply reply)
{
        _cleanup_(json_decrefp) json_t *taken = arguments;

        if (streq(command, "hold-still"))
                return hold_still(b, still, reply);
        if (streq(command, "go-on"))
                return go_on(b, still, reply);
        if (streq(command, "guest-agent"))
                return ask_agent(b, taken, reply);
        return lifecycle_execute(b->life, command, TAKE_PTR(taken), fd, reply, b);
}

void own_let_go(Lifecycle *life, unsigned *still)
{
        if (*still > 0)
                (void) lifecycle_go_on(life, *still - 1, NULL, NULL);
        *still = 0;
}
