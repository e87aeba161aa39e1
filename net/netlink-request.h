/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One request to rtnetlink: a header that depends on its type, and attributes. Only for the files of this
 * folder.
 */

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_REQUEST_MAX 4096
#define NETLINK_ANSWER_MAX  131072 /* a network card with 256 virtual functions takes half of it */

typedef struct NetlinkRequest {
        union {
                struct nlmsghdr header;
                char bytes[NETLINK_REQUEST_MAX];
        };
        bool overflown; /* it did not fit, and is not sent */
} NetlinkRequest;

/* flags in addition to NLM_F_REQUEST; head is a struct ifinfomsg, tcmsg or the like. */
void netlink_request_init(
        NetlinkRequest *q, uint16_t type, uint16_t flags, const void *head, size_t head_size);
void netlink_request_add(NetlinkRequest *q, uint16_t type, const void *data, size_t size);

/* An attribute that contains those added between the two calls; they can be nested. */
size_t netlink_request_begin(NetlinkRequest *q, uint16_t type);
void netlink_request_end(NetlinkRequest *q, size_t begin);

/* Sends a request with NLM_F_ACK and waits for the acknowledgement. The kernel's errno if it refuses. */
int netlink_request_do(int fd, NetlinkRequest *q);

/*
 * Sends a request for one object. 1 if a message of that type arrived: *ret points to it, inside answer; 0
 * if there was only an acknowledgement.
 */
int netlink_request_get(
        int fd, NetlinkRequest *q, uint16_t type, char answer[static NETLINK_ANSWER_MAX],
        struct nlmsghdr **ret);

/*
 * Sends a request for all objects of a kind (NLM_F_DUMP) and calls each for every message of that type; its
 * first negative result is returned in the end. -EAGAIN if something changed meanwhile.
 */
typedef int NetlinkEach(struct nlmsghdr *answer, void *data);
int netlink_request_list(int fd, NetlinkRequest *q, uint16_t type, NetlinkEach *each, void *data);

/* Reads unsolicited messages without waiting, and calls each for every message of that type. */
int netlink_request_receive(int fd, uint16_t type, NetlinkEach *each, void *data);
