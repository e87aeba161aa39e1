/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel's neighbour table has the IP addresses of machines that the host recently communicated with. It
 * is used to find a guest's addresses because it requires nothing from the guest; a guest that has sent
 * nothing is not in it. The kernel is trusted, but the addresses are what machines on the network claim.
 */

#include "net/neighbour.h"

#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#include "net/netlink-request.h"

#define ANSWERED (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

typedef struct Listing {
        NeighbourEach *each;
        void *data;
} Listing;

static int report(struct nlmsghdr *h, void *data)
{
        const struct ndmsg *entry = NLMSG_DATA(h);
        const Listing *listing = data;
        const void *address = NULL, *mac = NULL;
        char text[NEIGHBOUR_TEXT_SIZE];
        size_t size = entry->ndm_family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
        int left = (int) (h->nlmsg_len - NLMSG_LENGTH(sizeof(*entry)));

        if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*entry)) || !(entry->ndm_state & ANSWERED))
                return 0;
        if (entry->ndm_family != AF_INET && entry->ndm_family != AF_INET6)
                return 0;
        for (const struct rtattr *a = (const struct rtattr *) (entry + 1); RTA_OK(a, left);
             a = RTA_NEXT(a, left)) {
                if (a->rta_type == NDA_DST && RTA_PAYLOAD(a) == size)
                        address = RTA_DATA(a);
                if (a->rta_type == NDA_LLADDR && RTA_PAYLOAD(a) == 6)
                        mac = RTA_DATA(a);
        }
        if (!address || !mac || !inet_ntop(entry->ndm_family, address, text, sizeof(text)))
                return 0;
        return listing->each(mac, text, listing->data);
}

int neighbour_list(int fd, NeighbourEach *each, void *data)
{
        Listing listing = { each, data };
        NetlinkRequest q;

        netlink_request_init(
                &q, RTM_GETNEIGH, NLM_F_DUMP, &(struct ndmsg){ .ndm_family = AF_UNSPEC },
                sizeof(struct ndmsg));
        return netlink_request_list(fd, &q, RTM_NEWNEIGH, report, &listing);
}
