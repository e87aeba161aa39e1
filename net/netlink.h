/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* As much rtnetlink as a guest's interfaces need: to look at interfaces, to change one, to make and remove a
 * macvtap. */

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define LINK_ALIAS_MAX 256U /* with its NUL; the kernel's */

typedef struct Link {
        unsigned index;
        unsigned mtu;
        unsigned master; /* index of the bridge it is in, 0 for none */
        uint8_t address[6];
        bool up;
        bool carrier;        /* of a TAP: somebody holds a descriptor of it */
        bool persistent;     /* a TAP that stays when nobody does */
        bool locked;         /* a bridge's port that lets only its known addresses in */
        bool vlan_filtering; /* a bridge that tells VLANs apart */
        char name[IFNAMSIZ];
        char alias[LINK_ALIAS_MAX];
        char kind[32]; /* "bridge", "tun", …; "" for a device that is none of the kernel's virtual ones */
} Link;

/* What a macvtap may exchange with others on the same interface of the host; the values are the kernel's. */
typedef enum MacvtapMode {
        MACVTAP_PRIVATE = 1, /* nothing */
        MACVTAP_VEPA = 2,    /* what the switch sends back */
        MACVTAP_BRIDGE = 4,
        MACVTAP_PASSTHROUGH = 8, /* there are no others */
} MacvtapMode;

/* All return negative errnos as the kernel says them. A socket works in the network namespace it was opened
 * in. */
int netlink_open(int *ret_fd);
int netlink_find(int fd, const char *name, Link *ret);     /* -ENODEV where there is none of that name */
int netlink_find_index(int fd, unsigned index, Link *ret); /* -ENODEV where there is none of that index */

/* Calls each for every interface; what it returns below 0 is returned. */
typedef int LinkEach(const Link *link, void *data);
int netlink_list(int fd, LinkEach *each, void *data);

/*
 * Calls each for what changed interfaces are like by the messages that a socket of the group RTNLGRP_LINK
 * has, without waiting for more. -ENOBUFS where some were lost.
 */
int netlink_receive_changes(int fd, LinkEach *each, void *data);

int netlink_set_mtu(int fd, unsigned index, unsigned mtu);
int netlink_set_address(int fd, unsigned index, const uint8_t mac[static 6]);
int netlink_set_alias(int fd, unsigned index, const char *text); /* at most 255 bytes */
int netlink_set_master(int fd, unsigned index, unsigned master); /* 0: out of any bridge */
int netlink_set_up(int fd, unsigned index, bool up);
int netlink_add_macvtap(
        int fd, const char *name, unsigned lower, MacvtapMode mode, const uint8_t mac[static 6]);
int netlink_delete(int fd, unsigned index);
