/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sockets in the guest's runtime directory for clients of its screen, VNC or SPICE. */

#include <systemd/sd-event.h>

#include "launcher/monitor/monitor.h"

typedef struct Screen Screen;

/*
 * Creates the sockets of these names (NULL: none), and passes QEMU what it needs to serve their clients. The
 * monitor must be ready and outlive the object. *ret is unchanged if there are none. 0 or negative errno,
 * logged.
 */
int screen_new(
        sd_event *event, Monitor *monitor, const char *directory, const char *vnc, const char *spice,
        Screen **ret);
Screen *screen_free(Screen *s); /* returns NULL */

DEFINE_CLEANUP(Screen, screen_free);
