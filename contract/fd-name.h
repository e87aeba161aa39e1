/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The names of descriptors in systemd's store. The generator names those that QEMU is to get, the launcher
 * stores them under the same names. The formatters return NULL if memory runs out.
 */

#include <stdbool.h>
#include <sys/types.h>

/* A TAP or macvtap, a descriptor for each queue: "tap.ID.QUEUE". */
char *fd_name_tap(const char *id, unsigned queue);
bool fd_name_is_tap(const char *name);

/* The vhost-net device of such a queue: "vhost.ID.QUEUE". */
char *fd_name_vhost(const char *id, unsigned queue);

/* Not a descriptor, but asked for like one: that the traffic of that TAP gets its new limits. */
char *fd_name_bandwidth(const char *id);

/* QEMU's end of a socket to passt: "passt.ID". */
char *fd_name_passt(const char *id);

/* A device of the host's: "usb.ID", "scsi.ID". */
char *fd_name_usb(const char *id);
char *fd_name_scsi(const char *id);

/* The image of a node that QEMU has: "image.NODE". */
char *fd_name_image(const char *node);

/* A backing image: "chain.NODE.DEPTH.FORMAT", DEPTH from 1 to CHAIN_DEPTH_MAX. */
char *fd_name_chain(const char *node, unsigned depth, const char *format);
char *fd_name_chain_prefix(const char *node); /* what the names of all images of one disk begin with */

bool fd_name_is_image(const char *name); /* of either kind */
bool fd_name_is_backing(const char *name);

/*
 * A copy that a disk is to move to, which vmctl has QEMU open by an fd set: what that set is called ("copy."
 * and the file), and the nodes over it, by its number.
 */
char *fd_name_copy(dev_t device, ino_t inode);
char *fd_name_copy_storage(unsigned set);
char *fd_name_copy_format(unsigned set);
bool fd_name_is_copy(const char *name);

/* The guest's own directories, for the launcher, whose sandbox does not show them. */
#define FD_NAME_RUN_DIRECTORY   "directory.run"
#define FD_NAME_STATE_DIRECTORY "directory.state"

/* Reads a name with that prefix; *ret_format is borrowed from it. -EINVAL if it is no such name. */
int fd_name_read_chain(const char *name, const char *prefix, unsigned *ret_depth, const char **ret_format);

/* Every start opens these anew: a vhost device belongs to the first process that used it, a backing chain
 * may change, and passt ends with its socket. */
bool fd_name_is_of_one_start(const char *name);
