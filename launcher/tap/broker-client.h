/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Requesting a TAP on a bridge from the broker, org.vmunit.Broker1 on the system bus. Open this to change
 * the call or what its refusals tell the user; user-tap.h decides when a TAP is requested.
 */

#include <net/if.h>

#include "contract/limits.h"
#include "launcher/tap/tap.h"

typedef struct BrokerTap {
        char interface[IFNAMSIZ];
        int fds[TAP_QUEUES_MAX]; /* one for each requested queue */
        unsigned queues;
} BrokerTap;

void broker_tap_done(BrokerTap *tap); /* closes the remaining descriptors */

/*
 * q must have bridge, mac and queues. The broker learns from the bus which user calls. A refusal is logged
 * with advice: -EPERM if the policy forbids it, -EEXIST if another TAP has the MAC address, -E2BIG if a
 * limit is reached, -ENODEV if bus, broker or bridge does not exist, or another negative errno.
 */
int broker_create_tap(int netlink, const char *guest, const TapRequest *q, BrokerTap *ret);
