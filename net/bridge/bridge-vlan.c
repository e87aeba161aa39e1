/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * VLANs of a bridge's port. The kernel keeps them apart from the port's other settings, as an attribute of
 * the bridge's address family. The kernel is trusted.
 */

#include "net/bridge/bridge-vlan.h"

#include <linux/if_bridge.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/netlink-request.h"

/* A port is changed as its interface, in the address family of bridges. */
static void request_init(NetlinkRequest *q, uint16_t type, unsigned index)
{
        struct ifinfomsg port = { .ifi_family = AF_BRIDGE, .ifi_index = (int) index };

        netlink_request_init(q, type, NLM_F_ACK, &port, sizeof(port));
}

static void add_vlan(NetlinkRequest *q, unsigned vlan, uint16_t flags)
{
        struct bridge_vlan_info info = { .flags = flags, .vid = (uint16_t) vlan };

        netlink_request_add(q, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
}

int bridge_vlan_add(int fd, unsigned index, unsigned vlan, VlanFlags flags)
{
        NetlinkRequest q;
        size_t vlans;

        request_init(&q, RTM_SETLINK, index);
        vlans = netlink_request_begin(&q, IFLA_AF_SPEC);
        add_vlan(
                &q, vlan,
                (flags & VLAN_NATIVE ? BRIDGE_VLAN_INFO_PVID : 0) |
                        (flags & VLAN_UNTAGGED ? BRIDGE_VLAN_INFO_UNTAGGED : 0));
        netlink_request_end(&q, vlans);
        return netlink_request_do(fd, &q);
}

int bridge_vlan_clear(int fd, unsigned index)
{
        NetlinkRequest q;
        size_t vlans;

        request_init(&q, RTM_DELLINK, index);
        vlans = netlink_request_begin(&q, IFLA_AF_SPEC);
        add_vlan(&q, VLAN_MIN, BRIDGE_VLAN_INFO_RANGE_BEGIN);
        add_vlan(&q, VLAN_MAX, BRIDGE_VLAN_INFO_RANGE_END);
        netlink_request_end(&q, vlans);
        return netlink_request_do(fd, &q);
}
