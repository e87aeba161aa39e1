/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rest of an image's backing chain, as its headers tell it, opened for reading. */

#include "launcher/grant/grant.h"
#include "launcher/store/fd-store.h"
#include "util/text.h"

typedef struct ChainRequest {
        const char *node; /* QEMU's name of the image, names the descriptors */
        const char *format;
        const char *path;
} ChainRequest;

/*
 * Puts each backing file into the store as "chain.NODE.DEPTH.FORMAT", DEPTH from 1. directories are those
 * that an image's header may name files in; NULL for none. Failures are logged: -EBADMSG for an image that
 * is damaged or says too little, -EPERM and the like for a file that a header alone is not to be believed
 * about, and for an image whose header is not read here.
 */
int chain_open(const Granting *granting, const Strings *directories, const ChainRequest *q, Store *store);

/* Whether an image of that format can be at the end of, or within, a chain. */
bool chain_format_is_known(const char *format);

/* The path of a backing file that the header of the image at `image` names; -EPROTONOSUPPORT where that is
 * no file. */
int chain_resolve(const char *image, const char *backing, char **ret);

/* Whether the file lies in the image's directory, or in one that is for images; paths without symbolic
 * links. */
bool chain_is_beside(const char *image, const char *backing);
bool chain_is_listed(const char *backing, const Strings *directories);
