/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which VLANs a port of a bridge is in; only a bridge with vlan_filtering looks at that. An index is that of
 * the port's interface. All return negative errnos as the kernel says them.
 */

typedef enum VlanFlags {
        VLAN_NATIVE = 1 << 0,   /* what comes in without a tag belongs to this one */
        VLAN_UNTAGGED = 1 << 1, /* what goes out has no tag */
} VlanFlags;

#define VLAN_MIN 1U
#define VLAN_MAX 4094U
int bridge_vlan_add(int fd, unsigned index, unsigned vlan, VlanFlags flags);

/* The port is in none: also not in the bridge's default one, where each port begins. */
int bridge_vlan_clear(int fd, unsigned index);
