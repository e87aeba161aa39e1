/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A call on the control socket, for the files that implement interfaces.
 *
 * A method is called once for each call and replies exactly once, before it returns or later; the reply
 * frees the call. The client's next call is not read before that. A client that leaves is noticed at once:
 * then the call is freed without a reply, after what call_on_gone() named was called, or if nothing was
 * named, after all that the lifecycle had still to answer with the call as userdata was forgotten.
 */

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "launcher/command/batch.h"
#include "launcher/control/control.h"
#include "launcher/stream/channel.h"

typedef struct Call Call;
typedef struct Caller Caller;

typedef enum ControlFlags {
        CONTROL_ADMIN = 1 << 0,   /* only for root, or for the user in the user scope */
        CONTROL_MORE = 1 << 1,    /* sends several replies: the call must have "more" */
        CONTROL_UPGRADE = 1 << 2, /* what follows is another protocol: the call must have "upgrade" */
} ControlFlags;

typedef struct ControlMethod {
        const char *name;
        void (*run)(Call *call, const json_t *parameters); /* an object, valid as long as the call */
        ControlFlags flags;
} ControlMethod;

typedef struct ControlInterface {
        const char *name;
        const char *text; /* in Varlink's interface definition language */
        const ControlMethod *methods;
        size_t n_methods;
} ControlInterface;

/* What a connection becomes when a method upgrades it to another protocol. */
typedef struct ControlSession {
        ChannelKind channel;                                /* "closed" has to call control_disconnect() */
        void (*event)(const json_t *event, void *userdata); /* as QEMU sent it */
        void (*free)(void *userdata);
} ControlSession;

extern const ControlInterface guest_interface, machine_instance_interface, qemu_machine_interface,
        service_interface;

/* Ended by NULL. */
extern const ControlInterface *const control_interfaces[];

/* Errors that each interface has; call_error() puts the interface's name before them. */
#define ERROR_NOT_CONNECTED "NotConnected" /* QEMU or the guest cannot be asked now */
#define ERROR_NOT_SUPPORTED "NotSupported"
#define ERROR_FAILED        "Failed"

/* ——— what the call says ——— */

const ControlContext *call_context(const Call *call);
uid_t call_uid(const Call *call);     /* the client's, when it connected */
Held *call_held(const Call *call);    /* what the client holds */
bool call_has_more(const Call *call); /* several replies are welcome */

/* The descriptors that came with the call, only before the method returns: those not taken are closed then.
 * Each can be taken once; -EBADF if there is none of that index. */
size_t call_count_fds(const Call *call);
int call_take_fd(Call *call, size_t index);

/* ——— replies; each but call_notify() frees the call ——— */

/* parameters are taken over; NULL means that memory ran out. */
void call_reply(Call *call, json_t *parameters);

/* With descriptors, which stay the method's. */
void call_reply_fds(Call *call, json_t *parameters, const int *fds, size_t n_fds);

/* One of several replies, for a method with CONTROL_MORE. */
void call_notify(Call *call, json_t *parameters);

/* error: a whole name, or one without dots of the call's own interface. */
void call_error(Call *call, const char *error, json_t *parameters);

/* An error whose parameter "reason" is for people. */
void call_refuse(Call *call, const char *error, const char *format, ...) _printf_(3, 4);

void call_bad_parameter(Call *call, const char *name);

/* Why QEMU does not take commands now, or that it does not. */
void call_busy(Call *call);

/* Replies, frees the call, and makes the connection a session with that userdata. Returns the channel, to
 * send to. For a method with CONTROL_UPGRADE, before it returns. */
Channel *call_upgrade(Call *call, const ControlSession *session, void *userdata, Caller **ret_caller);

/* In the session's "closed": frees the session and its channel. */
void control_disconnect(Caller *caller);

/* ——— later ——— */

/* To be called if the client is gone before the reply. The call must not be used in it. */
void call_on_gone(Call *call, void (*gone)(void *userdata), void *userdata);

/* Has the call receive events instead of a reply: those in filter, an array of names; NULL for all. */
void call_subscribe(Call *call, const json_t *filter);
