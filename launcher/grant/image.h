/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images that QEMU gets open. Open this to change which files a guest may have as disks, and how. */

#include "launcher/grant/grant.h"
#include "launcher/store/fd-store.h"

typedef struct ImageRequest {
        const char *node; /* QEMU's node name, part of the descriptor's name */
        const char *path;
        Access access;
        bool direct; /* with O_DIRECT */
} ImageRequest;

/*
 * Puts the file or block device into the store as "image.NODE". Its owner, mode and access control list
 * stay, and nothing is recorded. Failures are logged: -EPERM and -EACCES if opening it is unsafe or
 * impossible, -EBUSY if another guest was granted it, -ENOENT and the like if it does not exist.
 */
int image_open(const Granting *granting, const ImageRequest *q, Store *store);
