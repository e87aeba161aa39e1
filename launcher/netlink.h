/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* As much rtnetlink as a TAP needs: to look at an interface, and to change one. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Link {
        unsigned index;
        unsigned mtu;
        unsigned master; /* index of the bridge it is in, 0 for none */
        bool up;
        char kind[32];   /* "bridge", "tun", …; "" for a device that is none of the kernel's virtual ones */
} Link;

/* All return negative errnos as the kernel says them. A socket works in the network namespace it was opened in. */
int netlink_open(int *ret_fd);
int netlink_find(int fd, const char *name, Link *ret); /* -ENODEV where there is none of that name */
int netlink_set_mtu(int fd, unsigned index, unsigned mtu);
int netlink_set_address(int fd, unsigned index, const uint8_t mac[static 6]);
int netlink_set_master(int fd, unsigned index, unsigned master); /* 0: out of any bridge */
int netlink_set_up(int fd, unsigned index, bool up);
