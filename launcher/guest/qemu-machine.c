/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * io.systemd.QemuMachineInstance: a monitor of one's own. QEMU has one monitor, and the launcher is its only
 * client. AcquireQMP makes a connection to the control socket another one: the launcher greets, negotiates
 * and replies as QEMU would, passes commands on with their descriptors, and events back. The commands that
 * decide what becomes of the guest are refused, with what to do instead.
 *
 * A client has one command at a time in QEMU, so that replies keep their order and one client cannot fill
 * the monitor. "exec-oob" is not offered.
 */

#include <errno.h>
#include <stdlib.h>

#include "contract/limits.h"
#include "launcher/command/kept.h"
#include "launcher/control/call.h"
#include "util/text.h"

typedef struct Session {
        const ControlContext *context;
        Caller *caller;
        Channel *channel;
        json_t *id; /* of the command that QEMU works on */
        bool negotiated;
} Session;

/* Takes the message. */
static void send_message(Session *s, json_t *message)
{
        int r;

        if (message && s->id)
                (void) json_object_set(message, "id", s->id);
        r = message ? channel_send(s->channel, message, NULL, 0) : -ENOMEM;
        if (r < 0)
                channel_fail(s->channel, r);
        json_decref(message);
}

static void send_error(Session *s, const char *class, const char *text)
{
        send_message(s, json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", text));
}

static void end_command(Session *s)
{
        json_decref(s->id);
        s->id = NULL;
}

static void on_reply(const json_t *result, const char *error, void *userdata)
{
        Session *s = userdata;
        const Monitor *monitor = lifecycle_monitor(s->context->life);
        const char *class = monitor ? monitor_error_class(monitor) : NULL;

        if (result)
                send_message(s, json_pack("{s:O}", "return", result));
        else
                send_error(s, class ?: "GenericError", error);
        end_command(s);
        channel_hold(s->channel, false);
}

static void execute(Session *s, const char *command, json_t *arguments)
{
        const char *instead = command_kept(command, arguments);
        _cleanup_(closep) int fd = -EBADF;

        if (instead) {
                _cleanup_(freep) char *text =
                        text_format("vmunit keeps %s for itself: %s", command, instead);

                send_error(s, "GenericError", text ?: instead);
                return;
        }
        fd = channel_take_fd(s->channel, 0);
        if (fd >= 0 && !monitor_takes(fd)) {
                send_error(s, "GenericError", "QEMU takes no descriptor without access (O_PATH)");
                return;
        }
        if (lifecycle_execute(s->context->life, command, json_incref(arguments), fd, on_reply, s) < 0)
                send_error(
                        s, "GenericError",
                        lifecycle_why_busy(s->context->life) ?: "QEMU does not take commands");
        else
                channel_hold(s->channel, true);
}

static void negotiate(Session *s)
{
        if (s->negotiated) {
                send_error(
                        s, "CommandNotFound",
                        "Capabilities negotiation is already complete, command ignored");
                return;
        }
        s->negotiated = true;
        send_message(s, json_pack("{s:{}}", "return"));
}

static int on_message(Channel *channel, json_t *message, void *userdata)
{
        const char *command = json_string_value(json_object_get(message, "execute"));
        json_t *arguments = json_object_get(message, "arguments"), *id = json_object_get(message, "id");
        Session *s = userdata;

        s->id = json_incref(id);
        if (!command)
                send_error(s, "GenericError", "QMP input lacks member 'execute'");
        else if (streq(command, "qmp_capabilities"))
                negotiate(s);
        else if (!s->negotiated)
                send_error(
                        s, "CommandNotFound", "Expecting capabilities negotiation with 'qmp_capabilities'");
        else if (arguments && !json_is_object(arguments))
                send_error(s, "GenericError", "QMP input member 'arguments' must be an object");
        else
                execute(s, command, arguments);
        if (!channel_is_held(channel))
                end_command(s);
        return 0;
}

static void on_closed(Channel *channel, int error, void *userdata)
{
        Session *s = userdata;

        control_disconnect(s->caller);
}

static void on_event(const json_t *event, void *userdata)
{
        Session *s = userdata;
        int r;

        if (!s->negotiated)
                return;
        r = channel_send(s->channel, event, NULL, 0);
        if (r < 0)
                channel_fail(s->channel, r);
}

static void session_free(void *userdata)
{
        Session *s = userdata;

        lifecycle_forget(s->context->life, s);
        json_decref(s->id);
        free(s);
}

static const ControlSession session = {
        .channel = { .end = '\n',
                     .input_max = CONTROL_MESSAGE_MAX,
                     .output_max = MONITOR_MESSAGE_MAX,
                     .fds_max = 1,
                     .message = on_message,
                     .closed = on_closed },
        .event = on_event,
        .free = session_free,
};

/* QEMU's, without the capabilities that it can only have for its own client. */
static json_t *make_greeting(const Monitor *monitor)
{
        const json_t *qmp = json_object_get(monitor_greeting(monitor), "QMP");

        return json_pack(
                "{s:{s:O*, s:[]}}", "QMP", "version", json_object_get(qmp, "version"), "capabilities");
}

static void call_acquire(Call *call, const json_t *parameters)
{
        const ControlContext *context = call_context(call);
        const Monitor *monitor = lifecycle_monitor(context->life);
        Session *s;

        if (!monitor) {
                call_busy(call);
                return;
        }
        s = calloc(1, sizeof(*s));
        if (!s) {
                call_refuse(call, ERROR_NOT_CONNECTED, "out of memory");
                return;
        }
        s->context = context;
        s->channel = call_upgrade(call, &session, s, &s->caller);
        send_message(s, make_greeting(monitor));
}

static const ControlMethod methods[] = {
        { "AcquireQMP", call_acquire, CONTROL_ADMIN | CONTROL_UPGRADE },
};

const ControlInterface qemu_machine_interface = {
        .name = "io.systemd.QemuMachineInstance",
        .text = "# What a machine has that is run by QEMU\n"
                "interface io.systemd.QemuMachineInstance\n\n"
                "# Requires the 'upgrade' flag: the connection becomes a monitor, as QEMU's QMP. For root, "
                "or\n"
                "# the user in the user scope\n"
                "method AcquireQMP() -> ()\n\n"
                "error NotConnected(reason: ?string)\n",
        .methods = methods,
        .n_methods = ELEMENTS(methods),
};
