/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * sd-netlink is private to systemd, and another library would be more code to trust than these few requests.
 * Requests are sent one at a time on a blocking socket, each with an acknowledgement, so that every failure
 * has its cause. Only answers of the kernel are accepted (the sender's port must be 0); NLMSG_OK() and
 * RTA_OK() of the kernel's headers check the bounds. Answers to an earlier request that could not be
 * received completely have that request's number and are skipped.
 */

#include "net/netlink-request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "util/ownership.h"

void netlink_request_init(
        NetlinkRequest *q, uint16_t type, uint16_t flags, const void *head, size_t head_size)
{
        *q = (NetlinkRequest){
                .header = { .nlmsg_len = (uint32_t) NLMSG_LENGTH(head_size),
                            .nlmsg_type = type,
                            .nlmsg_flags = NLM_F_REQUEST | flags },
        };
        memcpy(NLMSG_DATA(&q->header), head, head_size);
}

void netlink_request_add(NetlinkRequest *q, uint16_t type, const void *data, size_t size)
{
        size_t used = NLMSG_ALIGN(q->header.nlmsg_len);
        struct rtattr *a = (struct rtattr *) (q->bytes + used);

        if (size > sizeof(q->bytes) || used + RTA_SPACE(size) > sizeof(q->bytes)) {
                q->overflown = true;
                return;
        }
        a->rta_type = type;
        a->rta_len = (uint16_t) RTA_LENGTH(size);
        if (size > 0)
                memcpy(RTA_DATA(a), data, size);
        q->header.nlmsg_len = (uint32_t) (used + RTA_ALIGN(a->rta_len));
}

size_t netlink_request_begin(NetlinkRequest *q, uint16_t type)
{
        size_t begin = NLMSG_ALIGN(q->header.nlmsg_len);

        netlink_request_add(q, type, NULL, 0);
        return begin;
}

void netlink_request_end(NetlinkRequest *q, size_t begin)
{
        if (!q->overflown)
                ((struct rtattr *) (q->bytes + begin))->rta_len = (uint16_t) (q->header.nlmsg_len - begin);
}

static int receive(int fd, int flags, char *answer, size_t room, size_t *ret_size)
{
        struct sockaddr_nl sender;
        struct iovec data = { .iov_base = answer, .iov_len = room };
        struct msghdr m = {
                .msg_name = &sender, .msg_namelen = sizeof(sender), .msg_iov = &data, .msg_iovlen = 1
        };
        ssize_t n;

        do {
                m.msg_namelen = sizeof(sender);
                n = recvmsg(fd, &m, flags);
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

        return h->nlmsg_len < NLMSG_LENGTH(sizeof(e->error)) ? -EBADMSG : e->error;
}

/* Numbers start at 1, because unsolicited messages have 0. */
static int send_request(int fd, NetlinkRequest *q)
{
        static uint32_t sequence;

        if (q->overflown)
                return -EMSGSIZE;
        sequence = sequence == UINT32_MAX ? 1 : sequence + 1;
        q->header.nlmsg_seq = sequence;
        return send(fd, q->bytes, q->header.nlmsg_len, 0) < 0 ? -errno : 0;
}

int netlink_request_get(
        int fd, NetlinkRequest *q, uint16_t type, char answer[static NETLINK_ANSWER_MAX],
        struct nlmsghdr **ret)
{
        int r;

        r = send_request(fd, q);
        if (r < 0)
                return r;
        for (;;) {
                struct nlmsghdr *h = (struct nlmsghdr *) answer;
                size_t size = 0;

                r = receive(fd, 0, answer, NETLINK_ANSWER_MAX, &size);
                if (r < 0)
                        return r;
                for (; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
                        if (h->nlmsg_seq != q->header.nlmsg_seq)
                                continue;
                        if (h->nlmsg_type == NLMSG_ERROR)
                                return error_of(h);
                        if (h->nlmsg_type == type) {
                                *ret = h;
                                return 1;
                        }
                }
        }
}

int netlink_request_do(int fd, NetlinkRequest *q)
{
        _cleanup_(freep) char *answer = malloc(NETLINK_ANSWER_MAX);
        struct nlmsghdr *h;

        /* only an acknowledgement can arrive: no message has this type */
        return answer ? netlink_request_get(fd, q, NLMSG_NOOP, answer, &h) : -ENOMEM;
}

/* Reads to the end also after an error, so that nothing is mistaken for the next request's answer. */
static int receive_list(
        int fd, uint32_t sequence, uint16_t type, char answer[static NETLINK_ANSWER_MAX], NetlinkEach *each,
        void *data)
{
        int status = 0;

        for (;;) {
                struct nlmsghdr *h = (struct nlmsghdr *) answer;
                size_t size = 0;
                int r;

                r = receive(fd, 0, answer, NETLINK_ANSWER_MAX, &size);
                if (r < 0)
                        return r;
                for (; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
                        if (h->nlmsg_seq != sequence)
                                continue;
                        if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
                                r = error_of(h);
                                return r < 0 ? r : status;
                        }
                        if (h->nlmsg_flags & NLM_F_DUMP_INTR)
                                status = -EAGAIN;
                        if (status >= 0 && h->nlmsg_type == type)
                                status = each(h, data);
                }
        }
}

int netlink_request_list(int fd, NetlinkRequest *q, uint16_t type, NetlinkEach *each, void *data)
{
        _cleanup_(freep) char *answer = malloc(NETLINK_ANSWER_MAX);
        int r;

        if (!answer)
                return -ENOMEM;
        r = send_request(fd, q);
        return r < 0 ? r : receive_list(fd, q->header.nlmsg_seq, type, answer, each, data);
}

int netlink_request_receive(int fd, uint16_t type, NetlinkEach *each, void *data)
{
        _cleanup_(freep) char *answer = malloc(NETLINK_ANSWER_MAX);

        if (!answer)
                return -ENOMEM;
        for (;;) {
                struct nlmsghdr *h = (struct nlmsghdr *) answer;
                size_t size = 0;
                int r;

                r = receive(fd, MSG_DONTWAIT, answer, NETLINK_ANSWER_MAX, &size);
                if (r == -EAGAIN)
                        return 0;
                for (; r >= 0 && NLMSG_OK(h, size); h = NLMSG_NEXT(h, size))
                        if (h->nlmsg_type == type)
                                r = each(h, data);
                if (r < 0)
                        return r;
        }
}
