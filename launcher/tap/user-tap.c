/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Nobody but the broker can change a user's TAP: not its bridge, not the MAC that its port is locked to. So
 * one that the last life of the guest left in systemd's store is good if nothing of that changed, and is
 * dropped, before the broker is asked for another, if anything did: two at once would be one too many for
 * the user's limit, and both would have one MAC.
 */

#include "launcher/tap/user-tap.h"

#include <string.h>

#include "launcher/tap/broker-client.h"
#include "log/log.h"
#include "net/netlink.h"

static bool is_as_asked(int netlink, const TapRequest *q, const PreparedTap *noted)
{
        Link bridge, tap;

        return noted->queues == q->queues && memcmp(noted->mac, q->mac, sizeof(q->mac)) == 0 &&
               netlink_find(netlink, noted->interface, &tap) >= 0 && tap.index == noted->index &&
               streq(tap.kind, "tun") && (q->mtu == 0 || tap.mtu == q->mtu) &&
               netlink_find(netlink, q->bridge, &bridge) >= 0 && tap.master == bridge.index;
}

static int open_new(int netlink, const char *guest, const TapRequest *q, Store *store, Prepared *note)
{
        _cleanup_(broker_tap_done) BrokerTap tap = { 0 };
        Link link;
        int r;

        r = broker_create_tap(guest, q, &tap);
        if (r < 0)
                return r;
        r = netlink_find(netlink, tap.interface, &link);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot look up interface %s, which vm-broker created", tap.interface);
        for (unsigned i = 0; i < tap.queues && r >= 0; i++)
                r = tap_store_queue(q, i, TAKE_FD(tap.fds[i]), store);
        return r < 0 ? r : tap_note(q, tap.interface, link.index, note);
}

int user_tap_open(
        int netlink, const char *guest, const TapRequest *q, const Prepared *last, Store *store,
        Prepared *note)
{
        const PreparedTap *noted = prepared_find_tap(last, q->id);
        int r;

        if (noted && is_as_asked(netlink, q, noted))
                r = tap_note(q, noted->interface, noted->index, note);
        else {
                r = noted ? tap_forget(netlink, q, noted, store) : 0;
                r = r < 0 ? r : open_new(netlink, guest, q, store, note);
        }
        return r < 0 ? r : tap_open_vhost(q, store);
}
