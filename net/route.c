/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether the host has a default route. passt takes the guest's addresses from the interface of that route.
 * The kernel's answer is trusted.
 */

#include "net/route.h"

#include <sys/socket.h>

#include "net/netlink-request.h"

static int look_at_route(struct nlmsghdr *h, void *data)
{
        const struct rtmsg *route = NLMSG_DATA(h);
        int *found = data;

        if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(*route)) && route->rtm_dst_len == 0 &&
            route->rtm_type == RTN_UNICAST && route->rtm_table == RT_TABLE_MAIN)
                *found = 1;
        return 0;
}

int route_has_default(int fd)
{
        NetlinkRequest q;
        int found = 0, r;

        netlink_request_init(
                &q, RTM_GETROUTE, NLM_F_DUMP, &(struct rtmsg){ .rtm_family = AF_UNSPEC },
                sizeof(struct rtmsg));
        r = netlink_request_list(fd, &q, RTM_NEWROUTE, look_at_route, &found);
        return r < 0 ? r : found;
}
