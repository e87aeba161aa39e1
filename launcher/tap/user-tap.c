/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Only the broker can change a user's TAP: its bridge, and the MAC address that its port is locked to. So a
 * TAP that the guest's previous run left in systemd's store is kept if all of that is unchanged. If not, it
 * is dropped before the broker is asked for another one: two at once could exceed the user's limit, and both
 * would have the same MAC address. Trusted: nothing that the list in prepared.h says, unless the kernel
 * confirms it.
 */

#include "launcher/tap/user-tap.h"

#include <string.h>

#include "launcher/tap/broker-client.h"
#include "log/log.h"
#include "net/netlink.h"

static bool is_as_asked(int netlink, const TapRequest *q, const PreparedTap *known)
{
        Link bridge, tap;

        return known->queues == q->queues && memcmp(known->mac, q->mac, sizeof(q->mac)) == 0 &&
               netlink_find(netlink, known->interface, &tap) >= 0 && tap.index == known->index &&
               streq(tap.kind, "tun") && (q->mtu == 0 || tap.mtu == q->mtu) &&
               netlink_find(netlink, q->bridge, &bridge) >= 0 && tap.master == bridge.index;
}

static int open_new(int netlink, const char *guest, const TapRequest *q, Store *store, Prepared *prepared)
{
        _cleanup_(broker_tap_done) BrokerTap tap = { 0 };
        Link link;
        int r;

        r = broker_create_tap(netlink, guest, q, &tap);
        if (r < 0)
                return r;
        r = netlink_find(netlink, tap.interface, &link);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot look up interface %s, which vm-broker created", tap.interface);
        for (unsigned i = 0; i < tap.queues && r >= 0; i++)
                r = tap_store_queue(q, i, TAKE_FD(tap.fds[i]), store);
        return r < 0 ? r : tap_remember(q, tap.interface, link.index, prepared);
}

int user_tap_open(
        int netlink, const char *guest, const TapRequest *q, const Prepared *last, Store *store,
        Prepared *prepared)
{
        const PreparedTap *known = prepared_find_tap(last, q->id);
        int r;

        if (known && is_as_asked(netlink, q, known))
                r = tap_remember(q, known->interface, known->index, prepared);
        else {
                r = known ? tap_forget(netlink, q, known, store) : 0;
                r = r < 0 ? r : open_new(netlink, guest, q, store, prepared);
        }
        return r < 0 ? r : tap_open_vhost(q, store);
}
