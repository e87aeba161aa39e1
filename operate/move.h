/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Disks that move to another image, which is a copy of all that they have. */

#include <jansson.h>

#include "operate/layers.h"

/* The disk has that image, a path without links, and nothing behind it. As operation_attach(). */
int operation_move_disk(Operation *o, const DiskImage *image, const ChainImage *to);

/*
 * Whether that would be accepted, with nothing written: 0, or -EINVAL with `why`, or -ENOMEM. The options of
 * QEMU's nodes that it would have, to be released: of its file, and of its format, NULL for a raw image.
 */
int operation_try_move(
        Operation *o, const DiskImage *image, const ChainImage *to, json_t **ret_storage,
        json_t **ret_format);
