/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's control socket: Varlink, with the interfaces that service.c lists. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include "launcher/lifecycle/lifecycle.h"
#include "launcher/monitor/agent.h"
#include "launcher/reload/reload.h"
#include "launcher/run/run-options.h"
#include "launcher/saved/save.h"
#include "util/ownership.h"

typedef struct Control Control;

/* What methods work with; borrowed, and to be freed after the control. */
typedef struct ControlContext {
        sd_event *event;
        Lifecycle *life;
        Agent *agent; /* NULL if the guest has no channel for it that is served here */
        const RunOptions *options;
        Reload *reload;
        Save *save;
        const char *directory;     /* with the guest's sockets */
        struct Batches *batches;   /* set by control_new() */
        struct Storages *storages; /* likewise */
} ControlContext;

/* The socket is "control" in the directory. */
int control_new(const ControlContext *context, Control **ret);
Control *control_free(Control *c); /* returns NULL; disconnects all clients */

/* Sends an event to the clients that subscribed; data (or NULL) is borrowed. */
void control_publish(Control *c, const char *name, const json_t *data);

/* Passes an event as QEMU sent it to the clients that have become clients of QEMU's monitor. */
void control_event(Control *c, const json_t *event);

/* QEMU answers no more: calls that wait for it fail. */
void control_monitor_closed(Control *c);

DEFINE_CLEANUP(Control, control_free);
