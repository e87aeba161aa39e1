/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The child's side of errands, and the messages that parent and child exchange. Open this to add an errand.
 */

#include <limits.h>

#include "launcher/errand/guest-user.h"
#include "launcher/errand/qcow2.h"

typedef enum ErrandKind {
        ERRAND_ACCESS,
        ERRAND_OPEN,
        ERRAND_OPEN_BELOW,
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
        int mode; /* for ERRAND_ACCESS; for ERRAND_OPEN_BELOW and ERRAND_REOPEN: flags of open(2); for
                     ERRAND_RENAME: whether to replace the target */
        char path[PATH_MAX]; /* relative to the directory whose descriptor is sent along, or absolute; "" if
                                unused */
        char to[PATH_MAX];
} ErrandRequest;

/* One message, with a descriptor if one was requested and the result is 0. */
typedef struct ErrandReply {
        int result;
        Qcow2Header header;
} ErrandReply;

/*
 * Used by both sides to send and receive; a descriptor of -EBADF means none. 0 or a negative errno; -EPIPE
 * if the other side has closed.
 */
int errand_send(int socket, const void *message, size_t size, int fd);
int errand_receive(int socket, void *message, size_t size, int *ret_fd);

/*
 * Becomes the guest's user, reports that with an empty reply, and serves until the other side closes.
 * Returns the exit status.
 */
int errand_agent(int socket, const GuestUser *user);
