/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How a bridge treats one of its ports. An index is that of the port's interface. VLANs are in
 * bridge-vlan.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/netlink.h"

/* All return the kernel's negative errnos. */

/* Keeps everything behind the port from running the network: no spanning tree, no multicast router. */
int bridge_port_guard(int fd, unsigned index);

/*
 * Accepts only frames from the addresses added with bridge_port_add_address(), and sends only frames to
 * them, or to groups. -EOPNOTSUPP if the kernel is older than 5.18.
 */
int bridge_port_lock(int fd, unsigned index);

/* Isolated ports cannot exchange frames. */
int bridge_port_isolate(int fd, unsigned index);

/* Fixes an address to this port in each of its VLANs, so that no other port can take it over. */
int bridge_port_add_address(int fd, unsigned index, const uint8_t mac[static 6]);

/* An address that a bridge knows. */
typedef struct BridgeAddress {
        uint8_t mac[6];
        unsigned port;  /* index of the interface it is behind, or of the bridge for the bridge's own */
        bool is_own;    /* the interface's own: what is sent to it is the host's */
        bool is_static; /* configured; otherwise learned by the bridge */
} BridgeAddress;

/* Calls each for every address that the bridge of that index knows. */
typedef int BridgeAddressEach(const BridgeAddress *address, void *data);
int bridge_list_addresses(int fd, unsigned bridge, BridgeAddressEach *each, void *data);
