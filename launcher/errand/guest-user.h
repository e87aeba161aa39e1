/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The user that a guest's QEMU runs as, and that user's directories. Open this to change how prepare finds
 * them.
 */

#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "util/ownership.h"

typedef struct GuestUser {
        uid_t uid;
        gid_t gid;
        char *directory;  /* the guest's runtime directory */
        int directory_fd; /* O_PATH, as the unit sees it; elsewhere the user may be unable to reach it, or
                             not own it */
        int state_fd;     /* the same for its state directory; -EBADF if it has none */
} GuestUser;

#define GUEST_USER_EMPTY ((GuestUser){ .directory_fd = -EBADF, .state_fd = -EBADF })

/*
 * Finds the user by the owner of $RUNTIME_DIRECTORY, which also works for users that exist only while the
 * unit runs. Call this in the unit's mounts. Failures are logged: -ENOENT if systemd did not name or create
 * the directory, -EPERM if its owner is root or nobody.
 */
int guest_user_find(const char *guest, GuestUser *ret);
void guest_user_done(GuestUser *user);

/* The runtime directory that systemd names; NULL if it names none, or if out of memory. */
char *guest_directory(const char *guest);
char *guest_state_directory(const char *guest); /* the same for its state directory */

/*
 * The descriptor to use when the guest's user creates files in a directory: the state directory as its unit
 * sees it, or fd; -EBADF if the directory is not that user's.
 */
int guest_user_directory(const GuestUser *user, int fd, const struct stat *st);
