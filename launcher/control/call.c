/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The replies to calls. A client that does not read its replies is sent no more: its next call is not read
 * (channel_hold()). Events are different, since nothing holds them back: a client that falls behind is
 * disconnected, so that it notices the loss.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "launcher/control/control-private.h"
#include "util/text.h"

Call *call_new(Caller *caller, const ControlContext *context, const json_t *message)
{
        json_t *parameters = json_object_get(message, "parameters");
        Call *call = calloc(1, sizeof(*call));

        if (!call)
                return NULL;
        *call = (Call){ .caller = caller,
                        .context = context,
                        .oneway = json_is_true(json_object_get(message, "oneway")),
                        .more = json_is_true(json_object_get(message, "more")) };
        call->parameters = json_is_object(parameters) ? json_incref(parameters) : json_object();
        if (!call->parameters)
                return call_free(call);
        caller->call = call;
        channel_hold(caller->channel, true);
        return call;
}

Call *call_free(Call *call)
{
        if (!call)
                return NULL;
        if (call->caller->call == call) {
                call->caller->call = NULL;
                channel_hold(call->caller->channel, false);
        }
        json_decref(call->parameters);
        json_decref(call->filter);
        free(call);
        return NULL;
}

void call_abandon(Call *call)
{
        if (call->gone)
                call->gone(call->userdata);
        else
                lifecycle_forget(call->context->life, call);
        call->gone = NULL;
}

const ControlContext *call_context(const Call *call)
{
        return call->context;
}

uid_t call_uid(const Call *call)
{
        return call->caller->uid;
}

Held *call_held(const Call *call)
{
        return &call->caller->held;
}

bool call_has_more(const Call *call)
{
        return call->more;
}

size_t call_count_fds(const Call *call)
{
        return channel_count_fds(call->caller->channel);
}

int call_take_fd(Call *call, size_t index)
{
        return channel_take_fd(call->caller->channel, index);
}

/* Takes the message. */
static void send_message(Call *call, json_t *message, const int *fds, size_t n_fds)
{
        _cleanup_(json_decrefp) json_t *taken = message;
        int r = 0;

        if (!call->oneway)
                r = taken ? channel_send(call->caller->channel, taken, fds, n_fds) : -ENOMEM;
        if (r < 0)
                channel_fail(call->caller->channel, r);
}

void call_reply_fds(Call *call, json_t *parameters, const int *fds, size_t n_fds)
{
        send_message(call, json_pack("{s:o}", "parameters", parameters), fds, n_fds);
        call_free(call);
}

void call_reply(Call *call, json_t *parameters)
{
        call_reply_fds(call, parameters, NULL, 0);
}

Channel *call_upgrade(Call *call, const ControlSession *session, void *userdata, Caller **ret_caller)
{
        Caller *caller = call->caller;

        call_reply(call, json_object());
        caller->session = session;
        caller->session_data = userdata;
        channel_switch(caller->channel, &session->channel, userdata);
        *ret_caller = caller;
        return caller->channel;
}

void call_notify(Call *call, json_t *parameters)
{
        send_message(call, json_pack("{s:o, s:b}", "parameters", parameters, "continues", 1), NULL, 0);
}

void call_error(Call *call, const char *error, json_t *parameters)
{
        _cleanup_(freep) char *whole = NULL;

        if (call->interface && !strchr(error, '.'))
                whole = text_format("%s.%s", call->interface->name, error);
        send_message(
                call, json_pack("{s:s, s:o}", "error", whole ?: error, "parameters", parameters), NULL, 0);
        call_free(call);
}

void call_refuse(Call *call, const char *error, const char *format, ...)
{
        _cleanup_(freep) char *reason = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&reason, format, ap) < 0)
                reason = NULL;
        va_end(ap);
        call_error(call, error, json_pack("{s:s}", "reason", reason ?: "out of memory"));
}

void call_bad_parameter(Call *call, const char *name)
{
        call_error(call, "org.varlink.service.InvalidParameter", json_pack("{s:s}", "parameter", name));
}

void call_busy(Call *call)
{
        call_refuse(
                call, ERROR_NOT_CONNECTED, "%s",
                lifecycle_why_busy(call->context->life) ?: "QEMU does not take commands");
}

void call_on_gone(Call *call, void (*gone)(void *userdata), void *userdata)
{
        call->gone = gone;
        call->userdata = userdata;
}

void call_subscribe(Call *call, const json_t *filter)
{
        call->subscribed = true;
        call->filter = json_incref((json_t *) filter);
}

bool call_wants(const Call *call, const char *event)
{
        const json_t *name;
        size_t i;

        if (!call->subscribed || !call->filter)
                return call->subscribed;
        json_array_foreach(call->filter, i, name)
                if (json_is_string(name) && streq(json_string_value(name), event))
                        return true;
        return false;
}
