/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Agent: a command for the guest agent. Where the guest's XML names the socket of the agent's channel, it
 * belongs to another program, and the launcher is no client of it.
 */

#include <errno.h>
#include <stdlib.h>

#include "launcher/guest/guest.h"
#include "launcher/monitor/agent.h"
#include "util/text.h"

#define SECONDS_DEFAULT 30
#define SECONDS_MAX     3600

static void on_gone(void *userdata)
{
        Call *call = userdata;

        agent_forget(call_context(call)->agent, call);
}

static void on_reply(const json_t *result, const char *error, void *userdata)
{
        if (result)
                call_reply(userdata, json_pack("{s:O}", "result", result));
        else
                call_refuse(userdata, ERROR_FAILED, "%s", error);
}

static void refuse_without_channel(Call *call)
{
        _cleanup_(freep) char *chardev = agent_find_chardev(call_context(call)->options->argv);

        call_refuse(
                call, ERROR_NOT_SUPPORTED, "%s",
                chardev ? "the guest's XML gives the channel " AGENT_PORT
                          " to another program (<source>); without a <source> it is served here"
                        : "the guest has no channel " AGENT_PORT);
}

void guest_agent(Call *call, const json_t *parameters)
{
        const json_t *arguments = json_object_get(parameters, "arguments"),
                     *timeout = json_object_get(parameters, "timeout");
        const char *command = json_string_value(json_object_get(parameters, "execute"));
        json_int_t seconds = json_is_integer(timeout) ? json_integer_value(timeout) : SECONDS_DEFAULT;
        Agent *agent = call_context(call)->agent;
        int r;

        if (!command || !*command)
                call_bad_parameter(call, "execute");
        else if (arguments && !json_is_object(arguments) && !json_is_null(arguments))
                call_bad_parameter(call, "arguments");
        else if (
                (timeout && !json_is_integer(timeout) && !json_is_null(timeout)) || seconds < 1 ||
                seconds > SECONDS_MAX)
                call_bad_parameter(call, "timeout");
        else if (!agent)
                refuse_without_channel(call);
        else {
                r = agent_execute(
                        agent, command, json_is_object(arguments) ? json_incref((json_t *) arguments) : NULL,
                        (unsigned) seconds, on_reply, call);
                if (r < 0)
                        call_refuse(
                                call, ERROR_FAILED,
                                r == -EBUSY ? "too many commands wait for the agent" : "out of memory");
                else
                        call_on_gone(call, on_gone, call);
        }
}
