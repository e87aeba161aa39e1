/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Users' TAPs on the host. */

#include <net/if.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "broker/call/create-tap.h"
#include "broker/call/limits.h"
#include "contract/limits.h"

/* A new TAP. It exists as long as one of its descriptors is open. */
typedef struct Tap {
        char interface[IFNAMSIZ];
        int queues[BROKER_QUEUES_MAX];
        unsigned n_queues;
} Tap;

/*
 * Creates a TAP, adds it to its bridge and brings it up. 0, or the error that says why not, and nothing is
 * left behind. netlink is a socket from netlink_open().
 */
int tap_create(
        int netlink, uid_t uid, const CreateTap *ask, const Terms *terms, Tap *ret, sd_bus_error *ret_error);
void tap_done(Tap *tap); /* closes its descriptors */

/* Removes TAPs that a user made persistent and that no process holds any more. */
void tap_sweep(int netlink);

/* Calls each for every user's TAP. bridge is the bridge it belongs to, "" for none. */
typedef int TapEach(const char *interface, uid_t uid, const char *bridge, void *data);
int tap_list(int netlink, TapEach *each, void *data);
