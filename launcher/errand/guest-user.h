/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The user that a guest's QEMU runs as. */

#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "util/ownership.h"

typedef struct GuestUser {
        uid_t uid;
        gid_t gid;
        char *directory;  /* the guest's run-time directory */
        int directory_fd; /* O_PATH, as the unit sees it; from elsewhere the user may not get there, or not
                             own it */
        int state_fd;     /* the same for its state directory; -EBADF where it has none */
} GuestUser;

#define GUEST_USER_EMPTY ((GuestUser){ .directory_fd = -EBADF, .state_fd = -EBADF })

/*
 * Finds it by the owner of $RUNTIME_DIRECTORY, which also works for users that exist only as long as the
 * unit runs. To be called among the mounts of the unit. Failures are logged: -ENOENT where systemd did not
 * say or make the directory, -EPERM where it is root or nobody.
 */
int guest_user_find(const char *guest, GuestUser *ret);
void guest_user_done(GuestUser *user);

/* The run-time directory alone, as systemd says it; NULL where it does not or memory ran out. */
char *guest_directory(const char *guest);
char *guest_state_directory(const char *guest); /* the same for its state directory */

/*
 * The descriptor by which the guest's user can make files in a directory that it owns: its state directory
 * as its unit sees it, or fd; -EBADF for another's.
 */
int guest_user_directory(const GuestUser *user, int fd, const struct stat *st);
