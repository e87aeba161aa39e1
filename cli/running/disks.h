/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a reply to org.vmunit.Guest.Query, with query-block, says about disks. */

#include <jansson.h>

/* What the launcher says about the disk of that target; NULL if there is none. */
const json_t *disks_find(const json_t *reply, const char *target);

/* QEMU's name of the node that the guest's drive has; NULL if there is no such disk. */
const char *disks_node(const json_t *reply, const char *target);

/* The size that the guest sees; -1 if QEMU does not say. */
json_int_t disks_size(const json_t *reply, const char *node);

/* How many backing files all disks have together; -1 if QEMU does not say. */
json_int_t disks_total_depth(const json_t *reply);
