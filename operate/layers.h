/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images over images, in a guest's definition: what snapshots change there. */

#include "operate/operation.h"

/* The newest image of a disk. */
typedef struct DiskImage {
        const XmlElement *xml; /* the <disk>; until the guest is converted again */
        char *target, *path, *format;
        bool block; /* a block device */
} DiskImage;

void disk_image_done(DiskImage *image);

/*
 * The disk of that target, if there can be an overlay over its image. Its path is without links. 0; -ENOENT
 * or -EINVAL with `why`.
 */
int operation_find_disk(Operation *o, const char *target, DiskImage *ret);

/* The targets of all disks that the guest writes: those whose state a snapshot has to keep. 0 or -ENOMEM. */
int operation_list_disks(const Operation *o, Strings *ret);

/* The disk has the overlay, a qcow2 image, with its present image behind it. As operation_attach(). */
int operation_add_overlay(Operation *o, const DiskImage *image, const char *overlay);

/* Makes what was written durable. 0 or an error with `why`. */
int operation_sync(Operation *o);
