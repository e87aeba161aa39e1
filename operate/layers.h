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
 * The disk of that target, if there can be an overlay over its image. Its path is without links. In the
 * system scope only root may be able to replace the images. 0; -ENOENT, -EINVAL or -EPERM with `why`.
 */
int operation_find_disk(Operation *o, const char *target, DiskImage *ret);

/* The targets of all disks that the guest writes: those whose state a snapshot has to keep. 0 or -ENOMEM. */
int operation_list_disks(const Operation *o, Strings *ret);

/* A number that changes with the guest's hardware, but not with the images of its disks: a snapshot of its
 * memory is only for the same. */
uint64_t operation_machine(const Operation *o);

/* The disk has the overlay, a qcow2 image, with its present image behind it. As operation_attach(). */
int operation_add_overlay(Operation *o, const DiskImage *image, const char *overlay);

/* An image of a disk's chain, as the definition has it. */
typedef struct ChainImage {
        const char *path, *format; /* borrowed from the XML, path may have links */
        bool block;
} ChainImage;

#define CHAIN_IMAGES_MAX 200

/* The <disk> with what the image has beside it: its path without links, and its format. NULL if out of
 * memory. */
char *disk_image_write(const DiskImage *image);

/*
 * In the text of a <disk>, whatever is over that image is over what is behind it. 1 and the new text, 0 if
 * the disk does not name it, -EBADMSG, -ENOMEM.
 */
int disk_text_drop_image(const char *disk, const char *path, char **ret);

/* The named ones, the newest first; their number. */
size_t disk_image_chain(const DiskImage *image, ChainImage ret[static CHAIN_IMAGES_MAX]);

/* The disk has not those images any more, from that one on, and has what is behind them. As
 * operation_attach(). */
int operation_drop_images(Operation *o, const DiskImage *image, size_t first, size_t count);

/* The disk has its newest image, and nothing behind that. As operation_attach(). */
int operation_end_disk(Operation *o, const DiskImage *image);

/* The disk is as in that XML, with the overlay, over image base. As operation_attach(). */
int operation_revert_disk(
        Operation *o, const DiskImage *image, const char *former, const char *base, const char *overlay);

/* Makes what was written durable. 0 or an error with `why`. */
int operation_sync(Operation *o);
