/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a qcow2 image's header says about other files. Open this to read another field of the header. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QCOW2_BACKING_MAX 1023 /* bytes of a backing file's name, as defined by the format */
#define QCOW2_FORMAT_MAX  15   /* bytes of a format's name, as in QEMU */

typedef struct Qcow2Header {
        bool data_file;                      /* the data is in another file */
        char backing[QCOW2_BACKING_MAX + 1]; /* as written in the header; "" if none */
        char format[QCOW2_FORMAT_MAX + 1];   /* of the backing file; "" if the header does not say */
} Qcow2Header;

/*
 * Parses the first bytes of an image (a whole header is smaller than QCOW2_HEADER_MAX). -EBADMSG if it is
 * not a valid qcow2 image.
 */
int qcow2_read_header(const void *data, size_t size, Qcow2Header *ret);
