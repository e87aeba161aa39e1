/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Backing chains: finds the files that an image's headers name and opens them for reading. Open this to
 * change which files a header may name.
 */

#include "launcher/grant/grant.h"
#include "launcher/store/fd-store.h"
#include "util/text.h"

typedef struct ChainRequest {
        const char *node; /* QEMU's node name of the image, part of the descriptors' names */
        const char *format;
        const char *path;
} ChainRequest;

/*
 * Puts each backing file into the store as "chain.NODE.DEPTH.FORMAT", with DEPTH starting at 1. directories
 * are those in which a header may name files; NULL for none. top: the disk itself, which image_open() has
 * opened; negative if the guest's user can open it by its path. Failures are logged: -EBADMSG for an image
 * that is damaged or does not say enough, -EPERM and the like for a file that must not be opened because of
 * a header alone, and for an image whose header is not read here.
 */
int chain_open(
        const Granting *granting, const Strings *directories, const ChainRequest *q, int top, Store *store);

/* Whether an image of that format can be part of a chain. */
bool chain_format_is_known(const char *format);

/*
 * The path of a backing file named by the header of the image at `image`; -EPROTONOSUPPORT if it does not
 * name a file.
 */
int chain_resolve(const char *image, const char *backing, char **ret);

/*
 * Whether the file is in the image's directory, or in a listed image directory. Paths must be free of
 * symbolic links.
 */
bool chain_is_beside(const char *image, const char *backing);
bool chain_is_listed(const char *backing, const Strings *directories);
