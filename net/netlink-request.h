/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One request to rtnetlink: a head of the kind of its type, and attributes. For the files of this folder. */

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_REQUEST_MAX 4096
#define NETLINK_ANSWER_MAX  32768

typedef struct NetlinkRequest {
        union {
                struct nlmsghdr header;
                char bytes[NETLINK_REQUEST_MAX];
        };
        bool overflown; /* it did not fit; it is not sent then */
} NetlinkRequest;

/* flags beside NLM_F_REQUEST; head is a struct ifinfomsg, tcmsg or the like. */
void netlink_request_init(
        NetlinkRequest *q, uint16_t type, uint16_t flags, const void *head, size_t head_size);
void netlink_request_add(NetlinkRequest *q, uint16_t type, const void *data, size_t size);

/* An attribute that holds others: what is added between the two, which nest. */
size_t netlink_request_begin(NetlinkRequest *q, uint16_t type);
void netlink_request_end(NetlinkRequest *q, size_t begin);

/* Sends what asks for an acknowledgement, and waits for it. The kernel's errno where it says no. */
int netlink_request_do(int fd, NetlinkRequest *q);

/*
 * Sends what asks for one thing. 1 where a message of that type came, which *ret points to, in answer; 0
 * where there was only an acknowledgement.
 */
int netlink_request_get(
        int fd, NetlinkRequest *q, uint16_t type, char answer[static NETLINK_ANSWER_MAX],
        struct nlmsghdr **ret);

/*
 * Sends what asks for all of a kind (flags: NLM_F_DUMP), and calls each for every message of that type; what
 * it returns below 0 is returned in the end. -EAGAIN where something changed while the kernel listed it.
 */
typedef int NetlinkEach(struct nlmsghdr *answer, void *data);
int netlink_request_list(int fd, NetlinkRequest *q, uint16_t type, NetlinkEach *each, void *data);

/* Takes what came unasked, without waiting: calls each for every message of that type. */
int netlink_request_receive(int fd, uint16_t type, NetlinkEach *each, void *data);
