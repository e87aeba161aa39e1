/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which file each image is that QEMU got as a descriptor. Its names can change; these numbers do not. */

#include <stdbool.h>
#include <sys/types.h>

#include "launcher/store/fds.h"

typedef struct FileId {
        dev_t device;
        ino_t inode; /* 0: unknown */
} FileId;

bool file_id_equals(FileId a, FileId b); /* false if one is unknown */

/* Of an open file; unknown if that fails. */
FileId file_id_of(int fd);

typedef struct ImageFile {
        char *name; /* of the descriptor */
        FileId id;
} ImageFile;

typedef struct ImageFiles {
        ImageFile *items;
        size_t count;
} ImageFiles;

/* Notes the images, and the backing files, among the descriptors. 0 or -ENOMEM. */
int image_files_note(const Fds *fds, ImageFiles *ret);
void image_files_done(ImageFiles *files);

/* Unknown if there is none of that name. */
FileId image_files_find(const ImageFiles *files, const char *name);

/* "chain.NODE.DEPTH.FORMAT", whatever the format. */
FileId image_files_find_backing(const ImageFiles *files, const char *node, unsigned depth);
