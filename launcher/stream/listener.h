/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A socket in the guest's run-time directory, for its user and root only. */

#include <systemd/sd-event.h>

#include "util/ownership.h"

typedef struct Listener Listener;

/* A permitted client connected. Takes the descriptor, which is non-blocking. */
typedef void (*ListenerAccept)(int fd, void *userdata);

/* name must not contain a slash or begin with a dot. A socket left over from before is replaced. */
int listener_new(
        sd_event *event, const char *directory, const char *name, ListenerAccept accept, void *userdata,
        Listener **ret);
/* The same socket for another program, to whom it leaves it to check who connects: listening, close-on-exec.
 */
int listener_socket(const char *directory, const char *name, int *ret);

Listener *listener_free(Listener *l); /* returns NULL; removes the socket */

DEFINE_CLEANUP(Listener, listener_free);
