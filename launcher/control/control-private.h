/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What control.c and call.c share. */

#include "launcher/command/batch.h"
#include "launcher/control/call.h"

struct Caller {
        Control *control;
        Channel *channel;
        uid_t uid;
        Call *call; /* the one that it waits for */
        const ControlSession *session;
        void *session_data;
        Held held; /* what its batches did, until it leaves */
};

struct Call {
        Caller *caller;
        const ControlContext *context;
        const ControlInterface *interface;
        json_t *parameters;
        bool oneway, more; /* expects no reply, or several */
        bool subscribed;
        json_t *filter; /* names of events, or NULL for all */
        void (*gone)(void *userdata);
        void *userdata;
};

/* The message is borrowed. The call becomes the caller's; NULL if memory ran out. */
Call *call_new(Caller *caller, const ControlContext *context, const json_t *message);

/* The caller is gone, or QEMU is: whoever works on the call forgets it. */
void call_abandon(Call *call);

Call *call_free(Call *call); /* returns NULL */

bool call_wants(const Call *call, const char *event);
