/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asking the broker, org.vmunit.Broker1 on the system bus, for a TAP on a bridge. */

#include <net/if.h>

#include "contract/limits.h"
#include "launcher/tap/tap.h"

typedef struct BrokerTap {
        char interface[IFNAMSIZ];
        int fds[TAP_QUEUES_MAX]; /* one for each queue that was asked for */
        unsigned queues;
} BrokerTap;

void broker_tap_done(BrokerTap *tap); /* closes what is still there */

/*
 * q has bridge, mac and queues. Who asks is known to the broker from the bus. A refusal is logged with what
 * can be done about it: -EPERM where policy says no, -EEXIST where another TAP has the MAC, -E2BIG where
 * there are too many, -ENODEV where bus, broker or bridge is missing, or another negative errno.
 */
int broker_create_tap(const char *guest, const TapRequest *q, BrokerTap *ret);
