/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What of QEMU's command line is only known when the guest starts. */

#include "util/text.h"

/* Takes vhost, vhostfd and vhostfds out of the -netdev of that id. -ENOENT where there is none. */
int command_drop_vhost(Strings *argv, const char *id);

/* Makes the -netdev of that id a stream on the socket that QEMU gets as number fd. -ENOENT where there is
 * none. */
int command_set_stream(Strings *argv, const char *id, int fd);

/* One image behind a disk, read-only, opened as number fd. */
typedef struct BackingImage {
        unsigned depth;     /* from 1: what is right behind the disk's own image */
        const char *format; /* "qcow2", "raw", … */
        const char *driver; /* what reads the file itself: "file" or "host_device" */
        int fd;             /* the number that QEMU gets it as */
} BackingImage;

/*
 * Puts the chain behind the -blockdev of that node name: images are ordered by depth, without gaps; none at
 * all says that there is nothing behind it. -ENOENT where there is no such node.
 */
int command_set_backing(Strings *argv, const char *node, const BackingImage *images, size_t count);

/* True if that option (as "-vnc") is there. */
bool command_has_option(char *const *argv, const char *option);
