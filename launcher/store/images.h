/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which files QEMU's disks are, after their descriptors were given to QEMU. */

#include "launcher/store/fds.h"

/* fd is opened with O_PATH: it shows the file, and keeps neither QEMU's locks nor a right to read or write.
 */
typedef struct KnownImage {
        char *name; /* of the descriptor that QEMU got, see contract/fd-name.h */
        int fd;
} KnownImage;

typedef struct Images {
        KnownImage *items;
        size_t count;
} Images;

/* Notes all images and backing images among fds, in the place of earlier ones of the same name. 0 or a
 * negative errno. */
int images_note(Images *images, const Fds *fds);
void images_done(Images *images);
