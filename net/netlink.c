/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * sd-netlink is systemd's own, and a library for a few requests is more to trust than they are. Requests go
 * one at a time on a blocking socket, each with an acknowledgement, so that every failure has its cause.
 * What comes back is the kernel's (the sender's port is checked to be 0), bounds are checked by the
 * NLMSG_OK() and RTA_OK() of the kernel's headers.
 */

#include "net/netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "util/ownership.h"

#define NETLINK_REQUEST_MAX 256
#define NETLINK_ANSWER_MAX  32768

typedef struct Request {
        struct nlmsghdr header;
        struct ifinfomsg link;
        char attributes[NETLINK_REQUEST_MAX];
} Request;

int netlink_open(int *ret_fd)
{
        _cleanup_(closep) int fd = -EBADF;
        struct sockaddr_nl address = { .nl_family = AF_NETLINK };

        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0)
                return -errno;
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static void request_init(Request *q, uint16_t type, uint16_t flags, unsigned index)
{
        *q = (Request){
                .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(q->link)),
                            .nlmsg_type = type,
                            .nlmsg_flags = NLM_F_REQUEST | flags },
                .link = { .ifi_family = AF_UNSPEC, .ifi_index = (int) index },
        };
}

static void request_add(Request *q, uint16_t type, const void *data, size_t size)
{
        struct rtattr *a = (struct rtattr *) ((char *) q + NLMSG_ALIGN(q->header.nlmsg_len));

        a->rta_type = type;
        a->rta_len = (uint16_t) RTA_LENGTH(size);
        if (size > 0)
                memcpy(RTA_DATA(a), data, size);
        q->header.nlmsg_len = NLMSG_ALIGN(q->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static int receive(int fd, char *answer, size_t room, size_t *ret_size)
{
        struct sockaddr_nl sender;
        struct iovec data = { .iov_base = answer, .iov_len = room };
        struct msghdr m = {
                .msg_name = &sender, .msg_namelen = sizeof(sender), .msg_iov = &data, .msg_iovlen = 1
        };
        ssize_t n;

        do {
                m.msg_namelen = sizeof(sender);
                n = recvmsg(fd, &m, 0);
        } while ((n < 0 && errno == EINTR) || (n >= 0 && sender.nl_pid != 0));
        if (n < 0)
                return -errno;
        if (m.msg_flags & MSG_TRUNC)
                return -EMSGSIZE;
        *ret_size = (size_t) n;
        return 0;
}

static int error_of(const struct nlmsghdr *h)
{
        const struct nlmsgerr *e = NLMSG_DATA(h);

        return h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) ? -EBADMSG : e->error;
}

/* Sends, and waits for the acknowledgement (0), an error, or what was asked for (1, then *ret points into
 * answer). */
static int request_do(
        int fd, const Request *q, char answer[static NETLINK_ANSWER_MAX], struct nlmsghdr **ret)
{
        if (send(fd, q, q->header.nlmsg_len, 0) < 0)
                return -errno;
        for (;;) {
                struct nlmsghdr *h = (struct nlmsghdr *) answer;
                size_t size = 0;
                int r;

                r = receive(fd, answer, NETLINK_ANSWER_MAX, &size);
                if (r < 0)
                        return r;
                for (; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
                        if (h->nlmsg_type == NLMSG_ERROR)
                                return error_of(h);
                        if (h->nlmsg_type == RTM_NEWLINK && ret) {
                                *ret = h;
                                return 1;
                        }
                }
        }
}

static void read_kind(struct rtattr *info, Link *link)
{
        int size = (int) RTA_PAYLOAD(info);

        for (struct rtattr *a = RTA_DATA(info); RTA_OK(a, size); a = RTA_NEXT(a, size))
                if (a->rta_type == IFLA_INFO_KIND && RTA_PAYLOAD(a) < sizeof(link->kind))
                        memcpy(link->kind, RTA_DATA(a), RTA_PAYLOAD(a));
}

static void read_number(const struct rtattr *a, unsigned *ret)
{
        uint32_t n;

        if (RTA_PAYLOAD(a) >= sizeof(n)) {
                memcpy(&n, RTA_DATA(a), sizeof(n));
                *ret = n;
        }
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
                else if (a->rta_type == IFLA_LINKINFO)
                        read_kind(a, ret);
        }
        return 0;
}

static int find(int fd, const Request *q, Link *ret)
{
        _cleanup_(freep) char *answer = malloc(NETLINK_ANSWER_MAX);
        struct nlmsghdr *h = NULL;
        int r;

        if (!answer)
                return -ENOMEM;
        r = request_do(fd, q, answer, &h);
        if (r < 0)
                return r;
        return r == 1 ? read_link(h, ret) : -EBADMSG;
}

int netlink_find(int fd, const char *name, Link *ret)
{
        Request q;

        if (strlen(name) >= IFNAMSIZ)
                return -ENODEV;
        request_init(&q, RTM_GETLINK, 0, 0);
        request_add(&q, IFLA_IFNAME, name, strlen(name) + 1);
        return find(fd, &q, ret);
}

int netlink_find_index(int fd, unsigned index, Link *ret)
{
        Request q;

        request_init(&q, RTM_GETLINK, 0, index);
        return find(fd, &q, ret);
}

static int change(int fd, Request *q)
{
        _cleanup_(freep) char *answer = malloc(NETLINK_ANSWER_MAX);

        return answer ? request_do(fd, q, answer, NULL) : -ENOMEM;
}

static int set_attribute(int fd, unsigned index, uint16_t type, const void *data, size_t size)
{
        Request q;

        request_init(&q, RTM_NEWLINK, NLM_F_ACK, index);
        request_add(&q, type, data, size);
        return change(fd, &q);
}

int netlink_set_mtu(int fd, unsigned index, unsigned mtu)
{
        return set_attribute(fd, index, IFLA_MTU, &(uint32_t){ mtu }, sizeof(uint32_t));
}

int netlink_set_address(int fd, unsigned index, const uint8_t mac[static 6])
{
        return set_attribute(fd, index, IFLA_ADDRESS, mac, 6);
}

int netlink_set_master(int fd, unsigned index, unsigned master)
{
        return set_attribute(fd, index, IFLA_MASTER, &(uint32_t){ master }, sizeof(uint32_t));
}

int netlink_set_up(int fd, unsigned index, bool up)
{
        Request q;

        request_init(&q, RTM_NEWLINK, NLM_F_ACK, index);
        q.link.ifi_flags = up ? IFF_UP : 0;
        q.link.ifi_change = IFF_UP;
        return change(fd, &q);
}

/* An attribute that holds others: what is added between this and request_end(). */
static struct rtattr *request_begin(Request *q, uint16_t type)
{
        struct rtattr *a = (struct rtattr *) ((char *) q + NLMSG_ALIGN(q->header.nlmsg_len));

        request_add(q, type, NULL, 0);
        return a;
}

static void request_end(Request *q, struct rtattr *a)
{
        a->rta_len = (uint16_t) ((char *) q + q->header.nlmsg_len - (char *) a);
}

int netlink_add_macvtap(
        int fd, const char *name, unsigned lower, MacvtapMode mode, const uint8_t mac[static 6])
{
        static const char kind[] = "macvtap";
        struct rtattr *info, *data;
        Request q;

        request_init(&q, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
        request_add(&q, IFLA_IFNAME, name, strlen(name) + 1);
        request_add(&q, IFLA_LINK, &(uint32_t){ lower }, sizeof(uint32_t));
        request_add(&q, IFLA_ADDRESS, mac, 6);
        info = request_begin(&q, IFLA_LINKINFO);
        request_add(&q, IFLA_INFO_KIND, kind, strlen(kind));
        data = request_begin(&q, IFLA_INFO_DATA);
        request_add(&q, IFLA_MACVLAN_MODE, &(uint32_t){ mode }, sizeof(uint32_t));
        request_end(&q, data);
        request_end(&q, info);
        return change(fd, &q);
}

int netlink_delete(int fd, unsigned index)
{
        Request q;

        request_init(&q, RTM_DELLINK, NLM_F_ACK, index);
        return change(fd, &q);
}
