/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A locked port drops frames from addresses that are not known to be behind it, and with learning off, only
 * the addresses set here are known. A static address would move to any port that receives frames from it,
 * unless it is sticky too.
 *
 * A kernel that does not know an attribute of a port ignores it silently, so the required ones are read
 * back. The kernel is trusted.
 */

#include "net/bridge/bridge-port.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#include "net/netlink-request.h"
#include "util/ownership.h"

typedef struct Setting {
        uint16_t attribute;
        uint8_t value;
} Setting;

static int set_port(int fd, unsigned index, const Setting *settings, size_t n)
{
        struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = (int) index };
        size_t info, data;
        NetlinkRequest q;

        netlink_request_init(&q, RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));
        info = netlink_request_begin(&q, IFLA_LINKINFO);
        netlink_request_add(&q, IFLA_INFO_SLAVE_KIND, "bridge", sizeof("bridge"));
        data = netlink_request_begin(&q, IFLA_INFO_SLAVE_DATA);
        for (size_t i = 0; i < n; i++)
                netlink_request_add(&q, settings[i].attribute, &settings[i].value, 1);
        netlink_request_end(&q, data);
        netlink_request_end(&q, info);
        return netlink_request_do(fd, &q);
}

int bridge_port_guard(int fd, unsigned index)
{
        static const Setting settings[] = {
                { IFLA_BRPORT_GUARD, 1 },            /* drop incoming BPDUs */
                { IFLA_BRPORT_PROTECT, 1 },          /* never the way to the root bridge */
                { IFLA_BRPORT_MULTICAST_ROUTER, 0 }, /* no multicast router behind it */
        };

        return set_port(fd, index, settings, ELEMENTS(settings));
}

int bridge_port_lock(int fd, unsigned index)
{
        static const Setting settings[] = {
                { IFLA_BRPORT_LEARNING, 0 },
                { IFLA_BRPORT_UNICAST_FLOOD, 0 },
                { IFLA_BRPORT_LOCKED, 1 },
        };
        Link link;
        int r;

        r = set_port(fd, index, settings, ELEMENTS(settings));
        if (r >= 0)
                r = netlink_find_index(fd, index, &link);
        if (r < 0)
                return r;
        return link.locked ? 0 : -EOPNOTSUPP;
}

int bridge_port_isolate(int fd, unsigned index)
{
        return set_port(fd, index, &(Setting){ IFLA_BRPORT_ISOLATED, 1 }, 1);
}

int bridge_port_add_address(int fd, unsigned index, const uint8_t mac[static 6])
{
        struct ndmsg entry = {
                .ndm_family = AF_BRIDGE,
                .ndm_ifindex = (int) index,
                .ndm_state = NUD_NOARP,
                .ndm_flags = NTF_MASTER | NTF_STICKY,
        };
        NetlinkRequest q;

        netlink_request_init(
                &q, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &entry, sizeof(entry));
        netlink_request_add(&q, NDA_LLADDR, mac, 6);
        return netlink_request_do(fd, &q);
}

typedef struct List {
        BridgeAddressEach *each;
        void *data;
} List;

static int list_address(struct nlmsghdr *h, void *data)
{
        const struct ndmsg *entry = NLMSG_DATA(h);
        const List *list = data;
        BridgeAddress address;
        struct rtattr *a;
        int size;

        if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*entry)))
                return -EBADMSG;
        address = (BridgeAddress){
                .port = (unsigned) entry->ndm_ifindex,
                .is_own = entry->ndm_state & NUD_PERMANENT,
                .is_static = entry->ndm_state & (NUD_PERMANENT | NUD_NOARP),
        };
        /* addresses in an interface's own filter are not addresses that the bridge knows */
        if (entry->ndm_family != AF_BRIDGE || entry->ndm_flags & NTF_SELF)
                return 0;
        size = (int) NLMSG_PAYLOAD(h, sizeof(*entry));
        a = (struct rtattr *) ((char *) NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(*entry)));
        for (; RTA_OK(a, size); a = RTA_NEXT(a, size))
                if (a->rta_type == NDA_LLADDR && RTA_PAYLOAD(a) == sizeof(address.mac)) {
                        memcpy(address.mac, RTA_DATA(a), sizeof(address.mac));
                        return list->each(&address, list->data);
                }
        return 0;
}

/* The kernel expects an interface's header here, and selects the bridge by IFLA_MASTER. */
int bridge_list_addresses(int fd, unsigned bridge, BridgeAddressEach *each, void *data)
{
        struct ifinfomsg link = { .ifi_family = AF_BRIDGE };
        List list = { each, data };
        NetlinkRequest q;

        netlink_request_init(&q, RTM_GETNEIGH, NLM_F_DUMP, &link, sizeof(link));
        netlink_request_add(&q, IFLA_MASTER, &(uint32_t){ bridge }, sizeof(uint32_t));
        return netlink_request_list(fd, &q, RTM_NEWNEIGH, list_address, &list);
}
