/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest's control socket. libsystemd has Varlink only since 257. The protocol is one JSON object in each
 * direction, so a channel and tables of methods suffice; each interface is a file (call.h).
 *
 * A client has one call at a time, since some replies have to wait for QEMU and replies must keep the order
 * of the calls. Further calls wait in its socket, where the kernel limits them.
 *
 * listener.c admits only root and the guest's user. Even so, nothing that a client sends is trusted, and the
 * launcher never waits for it. The guest's user is also QEMU's: what could harm more than this guest, or
 * undo what root decided about it, is for root, or in the user scope for the user.
 */

#include "launcher/control/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "contract/limits.h"
#include "launcher/command/batch.h"
#include "launcher/command/storage.h"
#include "launcher/control/control-private.h"
#include "launcher/stream/listener.h"
#include "log/log.h"
#include "util/text.h"

#define CONTROL_SOCKET "control"
#define SYSTEM_HELPERS "/run/vmunit/" /* the sockets of helpers in the system scope */

struct Control {
        ControlContext context;
        Listener *listener;
        Batches batches;
        Storages *storages;
        bool user_scope;
        Caller *callers[CONTROL_CALLERS_MAX];
};

/* ——— calls ——— */

static const ControlMethod *find_method(const char *name, const ControlInterface **ret_interface)
{
        for (const ControlInterface *const *i = control_interfaces; *i; i++) {
                const char *rest = text_after(name, (*i)->name);

                if (!rest || *rest != '.')
                        continue;
                for (size_t k = 0; k < (*i)->n_methods; k++)
                        if (streq((*i)->methods[k].name, rest + 1)) {
                                *ret_interface = *i;
                                return &(*i)->methods[k];
                        }
        }
        return NULL;
}

static bool may(const Caller *caller, const ControlMethod *method)
{
        return !(method->flags & CONTROL_ADMIN) || caller->uid == 0 ||
               (caller->control->user_scope && caller->uid == geteuid());
}

static int on_call(Channel *channel, json_t *message, void *userdata)
{
        const char *name = json_string_value(json_object_get(message, "method"));
        const json_t *parameters = json_object_get(message, "parameters");
        const ControlMethod *method;
        Caller *caller = userdata;
        Call *call;

        if (!name)
                return -EBADMSG;
        call = call_new(caller, &caller->control->context, message);
        if (!call)
                return -ENOMEM;
        method = find_method(name, &call->interface);
        if (!method)
                call_error(call, "org.varlink.service.MethodNotFound", json_pack("{s:s}", "method", name));
        else if (!may(caller, method))
                call_error(call, "org.varlink.service.PermissionDenied", json_object());
        else if (parameters && !json_is_object(parameters) && !json_is_null(parameters))
                call_bad_parameter(call, "parameters");
        else if ((method->flags & CONTROL_MORE) && !call->more)
                call_error(call, "org.varlink.service.ExpectedMore", json_object());
        else if ((method->flags & CONTROL_UPGRADE) && !json_is_true(json_object_get(message, "upgrade")))
                call_error(call, "org.varlink.service.ExpectedUpgrade", json_object());
        else
                method->run(call, call->parameters);
        return 0;
}

/* ——— callers ——— */

static Caller *caller_free(Caller *caller)
{
        if (!caller)
                return NULL;
        if (caller->call) {
                call_abandon(caller->call);
                call_free(caller->call);
        }
        if (caller->session)
                caller->session->free(caller->session_data);
        held_abandon(&caller->held, &caller->control->batches, caller->control->context.life);
        channel_free(caller->channel);
        free(caller);
        return NULL;
}

void control_disconnect(Caller *caller)
{
        Control *c = caller->control;

        for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
                if (c->callers[i] == caller)
                        c->callers[i] = caller_free(caller);
}

static void on_closed(Channel *channel, int error, void *userdata)
{
        if (error < 0)
                log_debug("Disconnecting a client of the control socket: %s", strerror(-error));
        control_disconnect(userdata);
}

static const ChannelKind control_channel = {
        .end = '\0',
        .input_max = CONTROL_MESSAGE_MAX,
        .output_max = CONTROL_OUTPUT_MAX,
        .fds_max = CHANNEL_FDS_MAX,
        .message = on_call,
        .closed = on_closed,
};

static Caller *caller_new(Control *c, int fd)
{
        Caller *caller = calloc(1, sizeof(*caller));
        socklen_t size = sizeof(struct ucred);
        struct ucred peer;

        if (!caller || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
                free(caller);
                (void) fd_close(fd);
                return NULL;
        }
        caller->control = c;
        caller->uid = peer.uid;
        if (channel_new(c->context.event, fd, &control_channel, caller, &caller->channel) >= 0)
                return caller;
        free(caller);
        return NULL;
}

static void on_connected(int fd, void *userdata)
{
        Control *c = userdata;

        for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
                if (!c->callers[i]) {
                        c->callers[i] = caller_new(c, fd);
                        return;
                }
        log_warning("Too many clients are connected to the guest's control socket.");
        (void) fd_close(fd);
}

/* ——— from outside ——— */

void control_publish(Control *c, const char *name, const json_t *data)
{
        for (size_t i = 0; c && i < CONTROL_CALLERS_MAX; i++) {
                Call *call = c->callers[i] ? c->callers[i]->call : NULL;

                if (call && call_wants(call, name))
                        call_notify(call, json_pack("{s:s, s:O*}", "event", name, "data", data));
        }
}

void control_event(Control *c, const json_t *event)
{
        if (c) {
                batches_event(&c->batches, event);
                storages_event(c->storages, event);
        }
        for (size_t i = 0; c && i < CONTROL_CALLERS_MAX; i++) {
                Caller *caller = c->callers[i];

                if (caller && caller->session)
                        caller->session->event(event, caller->session_data);
        }
}

void control_monitor_closed(Control *c)
{
        for (size_t i = 0; c && i < CONTROL_CALLERS_MAX; i++) {
                Call *call = c->callers[i] ? c->callers[i]->call : NULL;

                if (c->callers[i] && c->callers[i]->session)
                        channel_fail(c->callers[i]->channel, -ECONNRESET);
                if (!call || call->subscribed)
                        continue;
                call_abandon(call);
                call_refuse(call, ERROR_NOT_CONNECTED, "QEMU closed its monitor");
        }
}

/* What clients have in QEMU is in no definition, and what they do there would be cut off. */
static const char *why_not_save(void *userdata)
{
        const Control *c = userdata;

        if (storages_count(c->storages) > 0)
                return "disks were added by descriptor, and it could not be restored with them";
        if (c->batches.first)
                return "commands of a client are under way";
        for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
                if (c->callers[i] && (c->callers[i]->held.count > 0 || c->callers[i]->held.still > 0))
                        return "a client has not finished its work on the guest, such as a backup";
        return NULL;
}

/* Nothing that the guest's user can change says so: the unit names the helper. A launcher that was started
 * by hand has none, and may be anybody's. */
static bool is_in_user_scope(const RunOptions *options)
{
        return options->helper && !text_after(options->helper, SYSTEM_HELPERS);
}

int control_new(const ControlContext *context, Control **ret)
{
        _cleanup_(control_freep) Control *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->context = *context;
        c->context.batches = &c->batches;
        c->batches.event = context->event;
        c->batches.agent = context->agent;
        r = storages_new(context->event, context->life, &c->batches, &c->storages);
        if (r < 0)
                return r;
        c->context.storages = c->storages;
        c->user_scope = is_in_user_scope(context->options);
        r = listener_new(context->event, context->directory, CONTROL_SOCKET, on_connected, c, &c->listener);
        if (r < 0)
                return r;
        if (context->save)
                save_set_guard(context->save, why_not_save, c);
        *ret = TAKE_PTR(c);
        return 0;
}

Control *control_free(Control *c)
{
        if (!c)
                return NULL;
        for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
                c->callers[i] = caller_free(c->callers[i]);
        if (c->context.save)
                save_set_guard(c->context.save, NULL, NULL);
        storages_free(c->storages);
        batches_done(&c->batches);
        listener_free(c->listener);
        free(c);
        return NULL;
}
