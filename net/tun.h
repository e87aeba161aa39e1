/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Descriptors of TAP devices, one for each queue of one. */

#include <stdbool.h>
#include <sys/types.h>

typedef enum TunFlags {
        TUN_NEW = 1 << 0,         /* -EBUSY where there is an interface of that name already */
        TUN_MULTI_QUEUE = 1 << 1, /* the TAP has, or gets, more queues than one */
} TunFlags;

/* -ENODEV where the kernel's module is missing; -EPERM where the unit's device filter says no. */
int tun_open(int *ret_fd);

/*
 * Makes the descriptor a queue of the TAP of that name, which is made where it is not there. Packets come
 * with a virtio header of 12 bytes. Negative errnos as the kernel says them.
 */
int tun_attach(int fd, const char *interface, TunFlags flags);

/*
 * Who may open further queues by the TAP's name. One without an owner is open to every user of the host, who
 * could then take part in the guest's traffic.
 */
int tun_set_owner(int fd, uid_t uid);

/* One that somebody who had the descriptor switched off; needs no privilege. -EINVAL where it is on. */
int tun_enable_queue(int fd);
