/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images that are put over others. */

#include <stdbool.h>
#include <stdint.h>

/* What a disk has, and what lies over it afterwards. */
typedef struct OverlayRequest {
        const char *path;   /* of the overlay; must not exist */
        const char *base;   /* the image under it, an absolute path without links */
        const char *format; /* of base: "raw", "qcow2" */
        uint64_t size;      /* in bytes, as the guest sees it */
} OverlayRequest;

/*
 * Makes an empty qcow2 image, with the owner and mode of base if that is a file. It is whole and durable
 * when it gets its name. 0; -EEXIST; -ENOEXEC if qemu-img fails, which has said why on stderr; other errors
 * of files.
 */
int overlay_create(const OverlayRequest *q);

/* What the header of a qcow2 image says. */
typedef struct ImageHeader {
        uint64_t size;              /* in bytes, as the guest sees it */
        bool has_backing, has_data; /* it names an image behind it; another file has its data */
} ImageHeader;

/* Reads that from a descriptor. 0, -EBADMSG if it is no qcow2 image, other errors of reading. */
int image_read_header(int fd, ImageHeader *ret);

/* The size of an image as a guest sees it, from the file: of raw and qcow2. -EMEDIUMTYPE for another format,
 * -EBADMSG if it is no qcow2 image. */
int overlay_size_of(const char *path, const char *format, uint64_t *ret);

/*
 * Whether only root can put another file in the place of that one: all directories on the way to it are
 * root's, and nobody else may write there. 0, -EPERM, or the error of looking.
 */
int image_check_way(const char *path);
