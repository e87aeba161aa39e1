/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Descriptors of TAP devices, one for each queue. */

#include <stdbool.h>
#include <sys/types.h>

typedef enum TunFlags {
        TUN_NEW = 1 << 0,         /* -EBUSY if an interface of that name exists */
        TUN_MULTI_QUEUE = 1 << 1, /* the TAP has, or gets, several queues */
} TunFlags;

/* -ENODEV if the kernel's module is missing; -EPERM if the unit's device filter refuses. */
int tun_open(int *ret_fd);

/*
 * Attaches the descriptor to the TAP of that name, which is created if it does not exist. Packets have a
 * virtio header of 12 bytes. Returns the kernel's negative errno.
 */
int tun_attach(int fd, const char *interface, TunFlags flags);

/*
 * Sets the user that may open further queues by the TAP's name. Without an owner, every user of the host
 * could do so and take part in the guest's traffic.
 */
int tun_set_owner(int fd, uid_t uid);

/*
 * Enables a queue that another process with the descriptor had disabled; requires no privilege. -EINVAL if
 * it is enabled.
 */
int tun_enable_queue(int fd);
