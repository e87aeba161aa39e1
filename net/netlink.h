/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The part of rtnetlink that guests' interfaces require: finding and changing interfaces, creating and
 * removing a macvtap. Ports of bridges are in net/bridge/, rates in shape.h, virtual functions in
 * netlink-vf.h.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define LINK_ALIAS_MAX 256U /* with its NUL; the kernel's limit */

typedef struct Link {
        unsigned index;
        unsigned mtu;
        unsigned master; /* index of its bridge, 0 for none */
        uint8_t address[6];
        bool up;
        bool carrier;        /* a TAP with an open descriptor */
        bool persistent;     /* a TAP that exists without open descriptors */
        bool locked;         /* a bridge's port that accepts only known addresses */
        bool vlan_filtering; /* a bridge that filters VLANs */
        char name[IFNAMSIZ];
        char alias[LINK_ALIAS_MAX];
        char kind[32]; /* "bridge", "tun" and so on; "" for hardware */
} Link;

/* What a macvtap may exchange with others on the same host interface; the values are the kernel's. */
typedef enum MacvtapMode {
        MACVTAP_PRIVATE = 1, /* nothing */
        MACVTAP_VEPA = 2,    /* only what the switch sends back */
        MACVTAP_BRIDGE = 4,
        MACVTAP_PASSTHROUGH = 8, /* there are no others */
} MacvtapMode;

/*
 * All return the kernel's negative errnos. A socket works in the network namespace in which it was opened.
 */
int netlink_open(int *ret_fd);
int netlink_open_changes(int *ret_fd);                     /* for netlink_receive_changes() */
int netlink_find(int fd, const char *name, Link *ret);     /* -ENODEV if there is no such name */
int netlink_find_index(int fd, unsigned index, Link *ret); /* -ENODEV if there is no such index */

/* Calls each for every interface; a negative result is returned. */
typedef int LinkEach(const Link *link, void *data);
int netlink_list(int fd, LinkEach *each, void *data);

/*
 * Reads change notifications from a socket of the group RTNLGRP_LINK without waiting for more, and calls
 * each for every changed interface. -ENOBUFS if some were lost.
 */
int netlink_receive_changes(int fd, LinkEach *each, void *data);

int netlink_set_mtu(int fd, unsigned index, unsigned mtu);
int netlink_set_address(int fd, unsigned index, const uint8_t mac[static 6]);
int netlink_set_alias(int fd, unsigned index, const char *text); /* at most 255 bytes */
int netlink_set_master(int fd, unsigned index, unsigned master); /* 0: leave its bridge */
int netlink_set_up(int fd, unsigned index, bool up);
int netlink_add_macvtap(
        int fd, const char *name, unsigned lower, MacvtapMode mode, const uint8_t mac[static 6]);
int netlink_delete(int fd, unsigned index);
