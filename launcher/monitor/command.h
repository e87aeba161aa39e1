/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of QEMU's command line that are only known when the guest starts. */

#include "util/text.h"

/* Removes vhost, vhostfd and vhostfds from the -netdev with that id; -ENOENT if there is none. */
int command_drop_vhost(Strings *argv, const char *id);

/* Turns the -netdev with that id into a stream on the socket that QEMU receives as descriptor fd; -ENOENT if
 * there is none. */
int command_set_stream(Strings *argv, const char *id, int fd);

/*
 * Gives the -blockdev with that node name the file behind fd, its number in QEMU, instead of its own;
 * -ENOENT if there is no such node.
 */
int command_set_image(Strings *argv, const char *node, int fd, bool read_only);

/* A backing file of a disk, open for reading only. */
typedef struct BackingImage {
        unsigned depth;     /* from 1: the backing file of the disk's own image */
        const char *format; /* "qcow2", "raw", … */
        const char *driver; /* the protocol: "file" or "host_device" */
        int fd;             /* its number in QEMU */
} BackingImage;

/*
 * Adds the chain to the -blockdev with that node name. images are ordered by depth, without gaps; without
 * any, the disk is declared to have no backing file. -ENOENT if there is no such node.
 */
int command_set_backing(Strings *argv, const char *node, const BackingImage *images, size_t count);

/* Whether the command line has that option, such as "-vnc". */
bool command_has_option(char *const *argv, const char *option);
