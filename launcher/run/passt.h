/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* passt: processes that connect a guest to the network with its user's rights, without a TAP. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "contract/line/passt-request.h"
#include "util/text.h"

typedef struct Passts Passts;

/* One exited: how ("exited with status 1"), and which (the id of the -netdev). */
typedef void (*PasstEnded)(const char *id, const char *how, void *userdata);

/*
 * Starts all in the list: sockets[i] is the end for the i-th and is taken; -1 if it is not to be started.
 * Those that QEMU connects to start when it connects; their sockets are created in directory. Logs errors.
 */
int passts_start(
        sd_event *event, const PasstList *list, int *sockets, const char *directory, PasstEnded ended,
        void *userdata, Passts **ret);

/* The processes that run, at most one for each in the list. Returns how many. */
size_t passts_pids(const Passts *p, pid_t *ret);

/* QEMU does not have the -netdev of that id any more, so the end of its passt, if it had one, is none to
 * tell.
 */
void passts_forget(Passts *p, const char *id);

Passts *passts_free(Passts *p); /* ends those still running; returns NULL */
