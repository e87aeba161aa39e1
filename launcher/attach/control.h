/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's control socket: Varlink, io.systemd.MachineInstance, as machinectl of systemd 262 calls it. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include "launcher/lifecycle/lifecycle.h"
#include "util/ownership.h"

typedef struct Control Control;

/* The socket is DIRECTORY/control. life is borrowed and must be freed after the control. */
int control_new(sd_event *event, const char *directory, Lifecycle *life, Control **ret);
Control *control_free(Control *c); /* returns NULL; disconnects all clients */

/* Sends an event to the clients that subscribed; data (or NULL) is borrowed. */
void control_publish(Control *c, const char *name, const json_t *data);

DEFINE_CLEANUP(Control, control_free);
