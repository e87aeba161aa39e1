/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The MAC address and the VLAN of an SR-IOV virtual function, as its physical function enforces them. */

#include <stdbool.h>
#include <stdint.h>

#include "net/netlink-request.h"

#define VF_VLAN_MAX 4095U

/* What the physical function allows a virtual function to send and receive. */
typedef struct VfVlan {
        unsigned id;       /* 0 to 4095; 0: no VLAN */
        unsigned priority; /* 802.1p, 0 to 7 */
        uint16_t protocol; /* ETH_P_8021Q or ETH_P_8021AD */
} VfVlan;

typedef struct VfSettings {
        bool has_mac, has_vlan; /* read: reported by the kernel; set: to be changed */
        uint8_t mac[6];         /* all zero: none was set */
        VfVlan vlan;
} VfSettings;

/* index is the physical function's interface, vf the number of the virtual function. -ENXIO if the interface
 * has no such function. */
int netlink_get_vf(int fd, unsigned index, unsigned vf, VfSettings *ret);
int netlink_set_vf(int fd, unsigned index, unsigned vf, const VfSettings *settings);

/* The two messages by themselves, for tests. */
void netlink_vf_request(NetlinkRequest *q, unsigned index, unsigned vf, const VfSettings *settings);
int netlink_vf_read(struct nlmsghdr *answer, unsigned vf, VfSettings *ret);
