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
        int directory_fd; /* of that, O_PATH */
        int state_fd;     /* of its state directory, O_PATH; -EBADF if it has none */
} GuestUser;

#define GUEST_USER_EMPTY ((GuestUser){ .directory_fd = -EBADF, .state_fd = -EBADF })

/*
 * Finds the user by the owner of $RUNTIME_DIRECTORY. Failures are logged: -ENOENT if that is not set or does
 * not exist, -EPERM if its owner is root or nobody.
 */
int guest_user_find(const char *guest, GuestUser *ret);
void guest_user_done(GuestUser *user);

/*
 * Takes the user from the process at the other end of the connection, the guest's launcher. Failures are
 * logged: -ENOENT if $RUNTIME_DIRECTORY is not set or does not exist, -EPERM if the user is root or nobody.
 */
int guest_user_of(int connection, const char *guest, GuestUser *ret);

/* The runtime directory that systemd names; NULL if it names none, or if out of memory. */
char *guest_directory(const char *guest);
char *guest_state_directory(const char *guest); /* the same for its state directory */
