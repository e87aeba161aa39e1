/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The VLANs of a bridge's port; only a bridge with vlan_filtering uses them. An index is that of the port's
 * interface. All return the kernel's negative errnos.
 */

typedef enum VlanFlags {
        VLAN_NATIVE = 1 << 0,   /* frames that arrive without a tag belong to it */
        VLAN_UNTAGGED = 1 << 1, /* its frames leave without a tag */
} VlanFlags;

#define VLAN_MIN 1U
#define VLAN_MAX 4094U
int bridge_vlan_add(int fd, unsigned index, unsigned vlan, VlanFlags flags);

/* Removes the port from all VLANs, including the bridge's default one that each port starts in. */
int bridge_vlan_clear(int fd, unsigned index);
