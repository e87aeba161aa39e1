/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a bridge treats one of its ports. An index is that of the port's interface. */

#include <stdbool.h>
#include <stdint.h>

#include "net/netlink.h"

/* All return negative errnos as the kernel says them. */

/* Nobody behind it takes part in running the network: no spanning tree, no multicast router. */
int bridge_port_guard(int fd, unsigned index);

/*
 * Only frames from the addresses that bridge_port_add_address() names come in by it, and only frames to
 * them, or to many, go out. -EOPNOTSUPP where the kernel cannot (before 5.18).
 */
int bridge_port_lock(int fd, unsigned index);

/* Nothing passes between two ports that are isolated. */
int bridge_port_isolate(int fd, unsigned index);

/* That address is behind this port, in each of its VLANs, and no other port can take it over. */
int bridge_port_add_address(int fd, unsigned index, const uint8_t mac[static 6]);

/* An address that a bridge knows. */
typedef struct BridgeAddress {
        uint8_t mac[6];
        unsigned port;  /* index of the interface it is behind; the bridge's own index for its own */
        bool is_own;    /* the interface's own: what is sent to it is the host's */
        bool is_static; /* somebody said so; else the bridge saw it */
} BridgeAddress;

/* Calls each for every address that the bridge of that index knows. */
typedef int BridgeAddressEach(const BridgeAddress *address, void *data);
int bridge_list_addresses(int fd, unsigned bridge, BridgeAddressEach *each, void *data);
