/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the header of a qcow2 image says about other files. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QCOW2_BACKING_MAX 1023 /* bytes of a backing file's name, by the format's definition */
#define QCOW2_FORMAT_MAX  15   /* bytes of a format's name, as QEMU has it */

typedef struct Qcow2Header {
        bool data_file;                      /* the data lies in another file */
        char backing[QCOW2_BACKING_MAX + 1]; /* as it stands there; "" for none */
        char format[QCOW2_FORMAT_MAX + 1];   /* of the backing file; "" where it is not said */
} Qcow2Header;

/*
 * Reads the first bytes of an image (a whole header is less than QCOW2_HEADER_MAX of them). -EBADMSG where
 * that is no qcow2 image or not a valid one; *ret is set on success only.
 */
int qcow2_read_header(const void *data, size_t size, Qcow2Header *ret);
