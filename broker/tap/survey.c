/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The broker keeps no state apart from the kernel's own lists, so it may be killed at any time.
 *
 * A TAP without a carrier has no holder. (A holder can drop the carrier itself, and only loses the TAP by
 * that.)
 */

#include "broker/tap/survey.h"

#include <errno.h>
#include <string.h>

#include "net/bridge/bridge-port.h"
#include "util/text.h"

static int look_at_tap(const Link *link, void *data)
{
        Survey *s = data;
        unsigned number;
        uid_t uid;

        if (!tap_name_parse(link->name, &uid, &number))
                return 0;
        if (streq(link->kind, "tun") && link->persistent && !link->carrier && s->n_stale < TAPS_SWEPT_MAX)
                s->stale[s->n_stale++] = link->index;
        if (uid != s->uid)
                return 0;
        s->used[number] = true;
        s->total++;
        if (link->master == s->bridge)
                s->in_bridge++;
        return 0;
}

int survey_taps(int netlink, Survey *survey)
{
        const Survey begin = { .uid = survey->uid, .bridge = survey->bridge };
        int r = -EAGAIN;

        for (unsigned i = 0; r == -EAGAIN && i < LIST_TRIES; i++) {
                *survey = begin;
                r = netlink_list(netlink, look_at_tap, survey);
        }
        return r;
}

typedef struct Search {
        uint8_t mac[6];
        bool found;
        unsigned seen_at; /* the port behind which it was merely learned; 0: none */
} Search;

/*
 * By convention, the host's end of a TAP has the guest's address with 0xfe as its first byte (vm-launcher
 * and libvirt set that). So a guest's address is known before it sends anything.
 */
static bool is_end_of(const BridgeAddress *address, const uint8_t mac[static 6])
{
        return address->is_own && address->mac[0] == 0xfe && memcmp(address->mac + 1, mac + 1, 5) == 0;
}

static int look_at_address(const BridgeAddress *address, void *data)
{
        Search *search = data;

        if (is_end_of(address, search->mac))
                search->found = true;
        else if (memcmp(address->mac, search->mac, sizeof(search->mac)) != 0)
                return 0;
        else if (address->is_static)
                search->found = true;
        else
                search->seen_at = address->port;
        return 0;
}

int survey_address(int netlink, unsigned bridge, const uint8_t mac[static 6])
{
        Search search;
        Link port;
        int r = -EAGAIN;

        for (unsigned i = 0; r == -EAGAIN && i < LIST_TRIES; i++) {
                search = (Search){ 0 };
                memcpy(search.mac, mac, sizeof(search.mac));
                r = bridge_list_addresses(netlink, bridge, look_at_address, &search);
        }
        if (r < 0)
                return r;
        if (search.found)
                return 1;
        /* behind another TAP it is a guest of this host; behind a network card it may be this guest itself,
         * which ran on another host until a moment ago */
        if (search.seen_at == 0 || netlink_find_index(netlink, search.seen_at, &port) < 0)
                return 0;
        return streq(port.kind, "tun");
}
