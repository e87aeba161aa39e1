/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The child's side of errands, and what goes between both. */

#include <limits.h>

#include "launcher/errand/guest-user.h"
#include "launcher/errand/qcow2.h"

typedef enum ErrandKind {
        ERRAND_ACCESS,
        ERRAND_OPEN,
        ERRAND_REOPEN,
        ERRAND_CREATE,
        ERRAND_RENAME,
        ERRAND_REMOVE,
        ERRAND_HEADER,
        ERRAND_KINDS,
} ErrandKind;

/* One message, with at most one descriptor. */
typedef struct ErrandRequest {
        ErrandKind kind;
        int mode;            /* of ERRAND_ACCESS; of ERRAND_RENAME: whether to replace */
        char path[PATH_MAX]; /* below the directory whose descriptor comes along, or absolute; "" where there
                                is none */
        char to[PATH_MAX];
} ErrandRequest;

/* One message, with a descriptor where one was asked for and the result is 0. */
typedef struct ErrandReply {
        int result;
        Qcow2Header header;
} ErrandReply;

/* What both sides send and receive with; a descriptor of -EBADF stands for none. 0, or a negative errno;
 * -EPIPE at the end. */
int errand_send(int socket, const void *message, size_t size, int fd);
int errand_receive(int socket, void *message, size_t size, int *ret_fd);

/* Becomes the guest's user, says so with an empty reply, and serves until the other side closes. The exit
 * status. */
int errand_agent(int socket, const GuestUser *user);
