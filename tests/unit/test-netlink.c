/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <sys/socket.h>

#include "net/netlink-request.h"
#include "net/netlink.h"
#include "tests/unit/test.h"
#include "util/ownership.h"

/* Asks the kernel for an interface, and leaves its answer where the next one comes. */
static void leave_answer(int fd, int index, uint16_t flags)
{
        struct ifinfomsg link = { .ifi_index = index };
        NetlinkRequest q;

        netlink_request_init(&q, RTM_GETLINK, flags, &link, sizeof(link));
        CHECK(send(fd, q.bytes, q.header.nlmsg_len, 0) == (ssize_t) q.header.nlmsg_len);
}

static int count(struct nlmsghdr *answer, void *data)
{
        ++*(unsigned *) data;
        return 0;
}

/* What is left of a request that failed in between is not the next one's answer. */
static void test_left_behind(void)
{
        _cleanup_(closep) int fd = -EBADF;
        struct ifinfomsg all = { 0 };
        unsigned n = 0;
        NetlinkRequest q;
        Link found;

        CHECK_NUMBER(netlink_open(&fd), 0);
        leave_answer(fd, INT32_MAX, 0); /* "No such device" */
        CHECK_NUMBER(netlink_find(fd, "lo", &found), 0);
        CHECK_TEXT(found.name, "lo");

        leave_answer(fd, (int) found.index, 0);
        CHECK_NUMBER(netlink_find(fd, "no-such", &found), -ENODEV);

        leave_answer(fd, INT32_MAX, 0);
        netlink_request_init(&q, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
        CHECK_NUMBER(netlink_request_list(fd, &q, RTM_NEWLINK, count, &n), 0);
        CHECK(n > 0);

        leave_answer(fd, 0, NLM_F_DUMP);
        CHECK_NUMBER(netlink_find(fd, "no-such", &found), -ENODEV);
}

int main(void)
{
        test_left_behind();
        return 0;
}
