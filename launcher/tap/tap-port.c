/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Other guests on the network pay for a guest whose limits are missing, and without its VLANs a guest sees
 * traffic that it must not. So the start fails if a requested setting is not available.
 *
 * Traffic to the guest leaves the host through a TAP, but enters it through a macvtap, so the directions are
 * swapped for the latter. Trusted: the arguments.
 */

#include "launcher/tap/tap-port.h"

#include <errno.h>
#include <string.h>

#include "log/log.h"
#include "net/bridge/bridge-port.h"
#include "net/bridge/bridge-vlan.h"

static int log_vlan(const TapRequest *q, int r, unsigned vlan)
{
        return log_errno(
                LOG_ERR, r, "Cannot add interface %s to VLAN %u of the bridge %s", q->interface, vlan,
                q->bridge);
}

static int set_vlans(int netlink, const TapRequest *q, unsigned index, const Link *bridge)
{
        int r;

        if (!q->native && !q->has_trunk)
                return 0;
        if (!bridge->vlan_filtering) {
                log_error(
                        "The bridge %s has no VLAN filtering, which <vlan> of interface %s requires. Enable "
                        "it (ip link set %s type bridge vlan_filtering 1, or VLANFiltering=yes in "
                        "systemd-networkd), and assign VLANs to the bridge's other ports.",
                        q->bridge, q->interface, q->bridge);
                return -ENODEV;
        }
        r = bridge_vlan_clear(netlink, index);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot remove interface %s from the VLANs of the bridge %s",
                        q->interface, q->bridge);
        if (q->native) {
                r = bridge_vlan_add(
                        netlink, index, q->native, VLAN_NATIVE | (q->native_tagged ? 0 : VLAN_UNTAGGED));
                if (r < 0)
                        return log_vlan(q, r, q->native);
        }
        for (unsigned vlan = VLAN_MIN; vlan <= VLAN_MAX; vlan++)
                if (tap_request_has_vlan(q, vlan)) {
                        r = bridge_vlan_add(netlink, index, vlan, 0);
                        if (r < 0)
                                return log_vlan(q, r, vlan);
                }
        return 0;
}

int tap_set_port(int netlink, const TapRequest *q, unsigned index, const Link *bridge)
{
        int r;

        r = set_vlans(netlink, q, index, bridge);
        if (r < 0 || !q->isolated)
                return r;
        r = bridge_port_isolate(netlink, index);
        return r < 0 ? log_errno(
                               LOG_ERR, r, "Cannot isolate port %s of the bridge %s", q->interface,
                               q->bridge)
                     : 0;
}

static int log_rate(const TapRequest *q, int r, const char *direction, const char *needs)
{
        if (r == -EOPNOTSUPP)
                return log_errno(
                        LOG_ERR, -ENODEV,
                        "Cannot limit traffic %s the guest on interface %s: the kernel lacks %s", direction,
                        q->interface, needs);
        return log_errno(
                LOG_ERR, r, "Cannot limit traffic %s the guest on interface %s", direction, q->interface);
}

int tap_set_rates(int netlink, const TapRequest *q, unsigned index)
{
        bool mirrored = q->lower;
        const ShapeRate *egress = mirrored ? &q->outbound : &q->inbound,
                        *ingress = mirrored ? &q->inbound : &q->outbound;
        int r;

        r = shape_clear(netlink, index);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot change the traffic limits of interface %s", q->interface);
        r = egress->average ? shape_egress(netlink, index, egress) : 0;
        if (r < 0)
                return log_rate(q, r, mirrored ? "from" : "to", SHAPE_EGRESS_NEEDS);
        r = ingress->average ? shape_ingress(netlink, index, ingress) : 0;
        return r < 0 ? log_rate(q, r, mirrored ? "to" : "from", SHAPE_INGRESS_NEEDS) : 0;
}

/* Whoever may make interfaces can take its name once it is gone. */
static bool is_ours(const TapRequest *q, const Link *link)
{
        static const uint8_t none[6];

        return streq(link->kind, q->lower ? "macvtap" : "tun") &&
               (memcmp(q->mac, none, sizeof(none)) == 0 ||
                memcmp(q->mac, link->address, sizeof(q->mac)) == 0);
}

int tap_change_rates(int netlink, const TapRequest *q)
{
        Link link;
        int r;

        r = q->interface ? netlink_find(netlink, q->interface, &link) : -ENODEV;
        if (r >= 0 && !is_ours(q, &link))
                r = -ENODEV;
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot find the guest's interface %s", q->interface ?: q->id);
        r = tap_set_rates(netlink, q, link.index);
        if (r >= 0)
                log_info("Changed the limits for the traffic of interface %s.", q->interface);
        return r;
}
