/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Checks whether a file may be handed out. Open this to add or change a reason to refuse. Failures are
 * logged; 0 or a negative errno.
 */

#include "launcher/errand/path.h"
#include "launcher/grant/grant.h"

/* Walks to a regular file or block device, or to a device; -EPERM for anything else. */
int grant_walk_to_file(const char *path, Walk *walk);
int grant_walk_to_device(const char *path, Walk *walk);

const char *grant_purpose(Access mode); /* "read", "read and write" */

/* Refuses with -EBUSY if another guest uses the file in an incompatible way. */
int grant_check_holders(const Granting *granting, const Record *record, Access mode);

/* Refuses with -EBUSY if guests of another user use the file, because it can have only one owner. */
int grant_check_users(const Granting *granting, const Record *record);

/* The requirements for changing a file's owner or access control list: -EPERM, -EACCES. */
int grant_check_file(const Granting *granting, const Walk *walk, Access mode);
