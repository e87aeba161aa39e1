/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest's control socket. To a guest registered with a control address, machinectl of systemd 262 sends
 * no signals: it connects to this socket as its user and calls a method. It does not fall back to signals,
 * so all methods are implemented; those that would change the guest's disks reply "not supported".
 *
 * libsystemd has Varlink only since 257. The protocol is one JSON object in each direction, so a channel and
 * a table of methods suffice. A client may have one call pending: some replies have to wait for QEMU, and
 * replies must keep the order of the calls. A client that sends another call before is disconnected.
 *
 * listener.c admits only root and the guest's user. Even so, nothing that a client sends is trusted, and the
 * launcher never waits for it.
 */

#include "launcher/attach/control.h"

#include <errno.h>
#include <stdbool.h>

#include "contract/limits.h"
#include "launcher/stream/channel.h"
#include "launcher/stream/listener.h"
#include "log/log.h"
#include "util/text.h"

#define CONTROL_SOCKET "control"
#define MACHINE        "io.systemd.MachineInstance"

typedef struct Caller {
        Control *control;
        Channel *channel;
        bool waits; /* for the reply to its call */
        bool subscribed;
        bool oneway;    /* it expects no reply to this call */
        json_t *filter; /* names of events, or NULL for all */
} Caller;

struct Control {
        sd_event *event;
        Listener *listener;
        Lifecycle *life;
        Caller *callers[CONTROL_CALLERS_MAX];
};

static const char interface_text[] =
        "# A guest of vmunit\n"
        "interface " MACHINE "\n\n"
        "method Terminate() -> ()\n"
        "method PowerOff() -> ()\n"
        "method Reboot() -> ()\n"
        "method Pause() -> ()\n"
        "method Resume() -> ()\n"
        "method Describe() -> (running: bool, status: string)\n"
        "method SubscribeEvents(filter: ?[]string) -> (event: string, data: ?object)\n"
        "method AddStorage(fileDescriptorIndex: int, name: string, config: ?string) -> ()\n"
        "method RemoveStorage(name: string) -> ()\n"
        "method ReplaceStorage(fileDescriptorIndex: int, name: string) -> ()\n\n"
        "error NotConnected(reason: ?string)\n"
        "error NotSupported(reason: ?string)\n";

/* ——— replies ——— */

/* Takes the message. A client whose buffer is full is disconnected through its channel. */
static int send_message(Caller *caller, json_t *message)
{
        _cleanup_(json_decrefp) json_t *taken = message;

        return taken ? channel_send(caller->channel, taken, -1) : -ENOMEM;
}

static int answer(Caller *caller, json_t *parameters)
{
        caller->waits = false;
        if (caller->oneway) {
                json_decref(parameters);
                return 0;
        }
        return send_message(caller, json_pack("{s:o}", "parameters", parameters));
}

static int answer_error(Caller *caller, const char *error, json_t *parameters)
{
        caller->waits = false;
        if (caller->oneway) {
                json_decref(parameters);
                return 0;
        }
        return send_message(caller, json_pack("{s:s, s:o}", "error", error, "parameters", parameters));
}

static int answer_request(Caller *caller, int r)
{
        return r < 0 ? answer_error(caller, MACHINE ".NotConnected", json_object())
                     : answer(caller, json_object());
}

/* A caller that shows more than the error's name, as vmctl does, shows the reason. */
static int answer_reason(Caller *caller, const char *error, const char *reason)
{
        return answer_error(caller, error, json_pack("{s:s}", "reason", reason));
}

static int answer_busy(Caller *caller)
{
        return answer_reason(
                caller, MACHINE ".NotConnected",
                lifecycle_why_busy(caller->control->life) ?: "QEMU does not take commands");
}

static void on_qemu_answered(const json_t *result, const char *error, void *userdata)
{
        Caller *caller = userdata;

        if (result)
                (void) answer(caller, json_object());
        else {
                log_debug("Failed to execute a request from the control socket: %s", error);
                (void) answer_reason(caller, MACHINE ".NotSupported", error);
        }
}

/* ——— methods; each replies, now or later ——— */

static int call_terminate(Caller *caller, const json_t *call)
{
        return answer_request(caller, lifecycle_request(caller->control->life, REQUEST_TERMINATE));
}

static int call_power_off(Caller *caller, const json_t *call)
{
        return answer_request(caller, lifecycle_request(caller->control->life, REQUEST_POWER_OFF));
}

static int call_reboot(Caller *caller, const json_t *call)
{
        return answer_request(caller, lifecycle_request(caller->control->life, REQUEST_REBOOT));
}

static int call_pause(Caller *caller, const json_t *call)
{
        return lifecycle_pause(caller->control->life, on_qemu_answered, caller) < 0 ? answer_busy(caller)
                                                                                    : 0;
}

static int call_resume(Caller *caller, const json_t *call)
{
        return lifecycle_resume(caller->control->life, on_qemu_answered, caller) < 0 ? answer_busy(caller)
                                                                                     : 0;
}

static int call_describe(Caller *caller, const json_t *call)
{
        const Lifecycle *life = caller->control->life;

        return answer(
                caller, json_pack(
                                "{s:b, s:s}", "running", lifecycle_is_running(life), "status",
                                lifecycle_status(life)));
}

static int call_subscribe(Caller *caller, const json_t *call)
{
        json_t *filter = json_object_get(json_object_get(call, "parameters"), "filter");

        if (!json_is_true(json_object_get(call, "more")))
                return answer_error(caller, "org.varlink.service.ExpectedMore", json_object());
        if (filter && !json_is_null(filter) && !json_is_array(filter))
                return answer_error(
                        caller, "org.varlink.service.InvalidParameter",
                        json_pack("{s:s}", "parameter", "filter"));
        caller->subscribed = true;
        caller->filter = json_is_array(filter) ? json_incref(filter) : NULL;
        return 0; /* the events are the replies */
}

static int call_storage(Caller *caller, const json_t *call)
{
        return answer_error(caller, MACHINE ".NotSupported", json_object());
}

static int call_get_info(Caller *caller, const json_t *call)
{
        return answer(
                caller,
                json_pack(
                        "{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "vmunit", "product", "vm-launcher",
                        "version", VMUNIT_VERSION, "url", "", "interfaces", "org.varlink.service", MACHINE));
}

static int call_get_description(Caller *caller, const json_t *call)
{
        const char *name =
                json_string_value(json_object_get(json_object_get(call, "parameters"), "interface"));

        if (!name || !streq(name, MACHINE))
                return answer_error(
                        caller, "org.varlink.service.InterfaceNotFound",
                        json_pack("{s:s}", "interface", name ?: ""));
        return answer(caller, json_pack("{s:s}", "description", interface_text));
}

static const struct Method {
        const char *name;
        int (*call)(Caller *caller, const json_t *call);
} methods[] = {
        { MACHINE ".Terminate", call_terminate },
        { MACHINE ".PowerOff", call_power_off },
        { MACHINE ".Reboot", call_reboot },
        { MACHINE ".Pause", call_pause },
        { MACHINE ".Resume", call_resume },
        { MACHINE ".Describe", call_describe },
        { MACHINE ".SubscribeEvents", call_subscribe },
        { MACHINE ".AddStorage", call_storage },
        { MACHINE ".RemoveStorage", call_storage },
        { MACHINE ".ReplaceStorage", call_storage },
        { "org.varlink.service.GetInfo", call_get_info },
        { "org.varlink.service.GetInterfaceDescription", call_get_description },
};

static int on_call(Channel *channel, json_t *call, void *userdata)
{
        const char *method = json_string_value(json_object_get(call, "method"));
        Caller *caller = userdata;

        if (!method)
                return -EBADMSG;
        if (caller->waits)
                return -EBUSY;
        caller->waits = true;
        caller->oneway = json_is_true(json_object_get(call, "oneway"));
        for (size_t i = 0; i < ELEMENTS(methods); i++)
                if (streq(methods[i].name, method))
                        return methods[i].call(caller, call);
        return answer_error(
                caller, "org.varlink.service.MethodNotFound", json_pack("{s:s}", "method", method));
}

/* ——— callers ——— */

static Caller *caller_free(Caller *caller)
{
        if (!caller)
                return NULL;
        lifecycle_forget(caller->control->life, caller);
        channel_free(caller->channel);
        json_decref(caller->filter);
        free(caller);
        return NULL;
}

static void on_closed(Channel *channel, int error, void *userdata)
{
        Caller *caller = userdata;
        Control *c = caller->control;

        if (error < 0)
                log_debug("Disconnecting a client of the control socket: %s", strerror(-error));
        for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
                if (c->callers[i] == caller)
                        c->callers[i] = caller_free(caller);
}

static const ChannelKind control_channel = {
        .end = '\0',
        .input_max = CONTROL_MESSAGE_MAX,
        .output_max = CONTROL_OUTPUT_MAX,
        .message = on_call,
        .closed = on_closed,
};

static void on_connected(int fd, void *userdata)
{
        Control *c = userdata;

        for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++) {
                Caller *caller;

                if (c->callers[i])
                        continue;
                caller = calloc(1, sizeof(*caller));
                if (!caller)
                        break;
                caller->control = c;
                if (channel_new(c->event, fd, &control_channel, caller, &caller->channel) < 0)
                        free(caller);
                else
                        c->callers[i] = caller;
                return;
        }
        log_warning("Too many clients are connected to the guest's control socket.");
        (void) fd_close(fd);
}

static bool wants(const Caller *caller, const char *event)
{
        const json_t *name;
        size_t i;

        if (!caller->subscribed || !caller->filter)
                return caller->subscribed;
        json_array_foreach(caller->filter, i, name)
                if (json_is_string(name) && streq(json_string_value(name), event))
                        return true;
        return false;
}

void control_publish(Control *c, const char *name, const json_t *data)
{
        if (!c)
                return;
        for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++) {
                Caller *caller = c->callers[i];

                if (!caller || !wants(caller, name))
                        continue;

                /* a client that does not read its events is disconnected, so that it notices the loss */
                if (send_message(
                            caller, json_pack(
                                            "{s:{s:s, s:O*}, s:b}", "parameters", "event", name, "data",
                                            data, "continues", 1)) < 0)
                        c->callers[i] = caller_free(caller);
        }
}

int control_new(sd_event *event, const char *directory, Lifecycle *life, Control **ret)
{
        _cleanup_(control_freep) Control *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->event = sd_event_ref(event);
        c->life = life;
        r = listener_new(event, directory, CONTROL_SOCKET, on_connected, c, &c->listener);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

Control *control_free(Control *c)
{
        if (!c)
                return NULL;
        for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
                c->callers[i] = caller_free(c->callers[i]);
        listener_free(c->listener);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}
