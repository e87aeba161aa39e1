/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which files QEMU's disks are, after their descriptors were given to QEMU. */

#include <stdbool.h>
#include <sys/types.h>

#include "launcher/store/fds.h"

/* A file, whose names can change. */
typedef struct FileId {
        dev_t device;
        ino_t inode; /* 0: unknown */
} FileId;

bool file_id_equals(FileId a, FileId b); /* false if one is unknown */

/* Of an open file; unknown if that fails. */
FileId file_id_of(int fd);

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

/* The same for those that has() confirms, and forgets the backing images that it denies. */
int images_update(
        Images *images, const Fds *fds, bool (*has)(const char *name, FileId file, const void *userdata),
        const void *userdata);

/* Forgets those of nodes that there are not any more, as knows() says. */
void images_forget(
        Images *images, bool (*knows)(const char *name, const void *userdata), const void *userdata);
void images_done(Images *images);

/* The file of the image with that name; unknown if there is none. */
FileId images_find(const Images *images, const char *name);

/* Of "chain.NODE.DEPTH.FORMAT", whatever the format. */
FileId images_find_backing(const Images *images, const char *node, unsigned depth);
