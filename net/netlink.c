/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Interfaces by rtnetlink: creating, finding, changing and removing them. A library would be larger than
 * these few requests. The kernel is trusted, and the length of its answers is checked nevertheless.
 */

#include "net/netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/socket.h>

#include "net/netlink-request.h"
#include "util/ownership.h"

static int open_socket(uint32_t groups, int *ret_fd)
{
        _cleanup_(closep) int fd = -EBADF;
        struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };

        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0)
                return -errno;
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int netlink_open(int *ret_fd)
{
        return open_socket(0, ret_fd);
}

int netlink_open_changes(int *ret_fd)
{
        return open_socket(RTMGRP_LINK, ret_fd);
}

static void link_request_init(NetlinkRequest *q, uint16_t type, uint16_t flags, unsigned index)
{
        struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = (int) index };

        netlink_request_init(q, type, flags, &link, sizeof(link));
}

/* The kernel's NUL may just fit; ret must be all zero. */
static void read_text(const struct rtattr *a, char *ret, size_t room)
{
        size_t size = RTA_PAYLOAD(a);

        memcpy(ret, RTA_DATA(a), size < room ? size : room - 1);
}

static void read_number(const struct rtattr *a, unsigned *ret)
{
        uint32_t n;

        if (RTA_PAYLOAD(a) >= sizeof(n)) {
                memcpy(&n, RTA_DATA(a), sizeof(n));
                *ret = n;
        }
}

static bool read_flag(const struct rtattr *a)
{
        return a && RTA_PAYLOAD(a) >= 1 && *(const uint8_t *) RTA_DATA(a);
}

/* Finds one attribute inside another; NULL if it is not there. */
static const struct rtattr *inner(const struct rtattr *outer, uint16_t type)
{
        int size = (int) RTA_PAYLOAD(outer);

        for (struct rtattr *a = RTA_DATA(outer); RTA_OK(a, size); a = RTA_NEXT(a, size))
                if ((a->rta_type & NLA_TYPE_MASK) == type)
                        return a;
        return NULL;
}

static void read_kind(const struct rtattr *info, Link *link)
{
        const struct rtattr *kind = inner(info, IFLA_INFO_KIND), *data = inner(info, IFLA_INFO_DATA),
                            *port_kind = inner(info, IFLA_INFO_SLAVE_KIND),
                            *port = inner(info, IFLA_INFO_SLAVE_DATA);
        char master[sizeof(link->kind)] = "";

        if (kind)
                read_text(kind, link->kind, sizeof(link->kind));
        if (data && strcmp(link->kind, "tun") == 0)
                link->persistent = read_flag(inner(data, IFLA_TUN_PERSIST));
        if (data && strcmp(link->kind, "bridge") == 0)
                link->vlan_filtering = read_flag(inner(data, IFLA_BR_VLAN_FILTERING));
        if (port_kind)
                read_text(port_kind, master, sizeof(master));
        if (port && strcmp(master, "bridge") == 0)
                link->locked = read_flag(inner(port, IFLA_BRPORT_LOCKED));
}

static int read_link(struct nlmsghdr *h, Link *ret)
{
        struct ifinfomsg *info = NLMSG_DATA(h);
        int size;

        if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
                return -EBADMSG;
        *ret = (Link){ .index = (unsigned) info->ifi_index, .up = info->ifi_flags & IFF_UP };
        size = (int) IFLA_PAYLOAD(h);
        for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, size); a = RTA_NEXT(a, size)) {
                if (a->rta_type == IFLA_MTU)
                        read_number(a, &ret->mtu);
                else if (a->rta_type == IFLA_MASTER)
                        read_number(a, &ret->master);
                else if (a->rta_type == IFLA_ADDRESS && RTA_PAYLOAD(a) == sizeof(ret->address))
                        memcpy(ret->address, RTA_DATA(a), sizeof(ret->address));
                else if (a->rta_type == IFLA_IFNAME)
                        read_text(a, ret->name, sizeof(ret->name));
                else if (a->rta_type == IFLA_IFALIAS)
                        read_text(a, ret->alias, sizeof(ret->alias));
                else if (a->rta_type == IFLA_CARRIER)
                        ret->carrier = read_flag(a);
                else if (a->rta_type == IFLA_LINKINFO)
                        read_kind(a, ret);
        }
        return 0;
}

static int find(int fd, NetlinkRequest *q, Link *ret)
{
        _cleanup_(freep) char *answer = malloc(NETLINK_ANSWER_MAX);
        struct nlmsghdr *h = NULL;
        int r;

        if (!answer)
                return -ENOMEM;
        r = netlink_request_get(fd, q, RTM_NEWLINK, answer, &h);
        if (r < 0)
                return r;
        return r == 1 ? read_link(h, ret) : -EBADMSG;
}

int netlink_find(int fd, const char *name, Link *ret)
{
        NetlinkRequest q;

        if (strlen(name) >= IFNAMSIZ)
                return -ENODEV;
        link_request_init(&q, RTM_GETLINK, 0, 0);
        netlink_request_add(&q, IFLA_IFNAME, name, strlen(name) + 1);
        return find(fd, &q, ret);
}

int netlink_find_index(int fd, unsigned index, Link *ret)
{
        NetlinkRequest q;

        link_request_init(&q, RTM_GETLINK, 0, index);
        return find(fd, &q, ret);
}

typedef struct List {
        LinkEach *each;
        void *data;
} List;

static int list_link(struct nlmsghdr *h, void *data)
{
        const List *list = data;
        Link link;
        int r;

        r = read_link(h, &link);
        return r < 0 ? r : list->each(&link, list->data);
}

int netlink_list(int fd, LinkEach *each, void *data)
{
        List list = { each, data };
        NetlinkRequest q;

        link_request_init(&q, RTM_GETLINK, NLM_F_DUMP, 0);
        return netlink_request_list(fd, &q, RTM_NEWLINK, list_link, &list);
}

int netlink_receive_changes(int fd, LinkEach *each, void *data)
{
        List list = { each, data };

        return netlink_request_receive(fd, RTM_NEWLINK, list_link, &list);
}

static int set_attribute(int fd, unsigned index, uint16_t type, const void *data, size_t size)
{
        NetlinkRequest q;

        link_request_init(&q, RTM_NEWLINK, NLM_F_ACK, index);
        netlink_request_add(&q, type, data, size);
        return netlink_request_do(fd, &q);
}

int netlink_set_mtu(int fd, unsigned index, unsigned mtu)
{
        return set_attribute(fd, index, IFLA_MTU, &(uint32_t){ mtu }, sizeof(uint32_t));
}

int netlink_set_address(int fd, unsigned index, const uint8_t mac[static 6])
{
        return set_attribute(fd, index, IFLA_ADDRESS, mac, 6);
}

int netlink_set_alias(int fd, unsigned index, const char *text)
{
        return set_attribute(fd, index, IFLA_IFALIAS, text, strlen(text));
}

int netlink_set_master(int fd, unsigned index, unsigned master)
{
        return set_attribute(fd, index, IFLA_MASTER, &(uint32_t){ master }, sizeof(uint32_t));
}

int netlink_set_up(int fd, unsigned index, bool up)
{
        NetlinkRequest q;

        netlink_request_init(
                &q, RTM_NEWLINK, NLM_F_ACK,
                &(struct ifinfomsg){ .ifi_family = AF_UNSPEC,
                                     .ifi_index = (int) index,
                                     .ifi_flags = up ? IFF_UP : 0,
                                     .ifi_change = IFF_UP },
                sizeof(struct ifinfomsg));
        return netlink_request_do(fd, &q);
}

int netlink_add_macvtap(
        int fd, const char *name, unsigned lower, MacvtapMode mode, const uint8_t mac[static 6])
{
        static const char kind[] = "macvtap";
        size_t info, data;
        NetlinkRequest q;

        link_request_init(&q, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
        netlink_request_add(&q, IFLA_IFNAME, name, strlen(name) + 1);
        netlink_request_add(&q, IFLA_LINK, &(uint32_t){ lower }, sizeof(uint32_t));
        netlink_request_add(&q, IFLA_ADDRESS, mac, 6);
        info = netlink_request_begin(&q, IFLA_LINKINFO);
        netlink_request_add(&q, IFLA_INFO_KIND, kind, strlen(kind));
        data = netlink_request_begin(&q, IFLA_INFO_DATA);
        netlink_request_add(&q, IFLA_MACVLAN_MODE, &(uint32_t){ mode }, sizeof(uint32_t));
        netlink_request_end(&q, data);
        netlink_request_end(&q, info);
        return netlink_request_do(fd, &q);
}

int netlink_delete(int fd, unsigned index)
{
        NetlinkRequest q;

        link_request_init(&q, RTM_DELLINK, NLM_F_ACK, index);
        return netlink_request_do(fd, &q);
}
