/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit says User=, but the helpers that systemd starts as root are not told: with DynamicUser= there is not even a name
 * for it. What tells is who owns the run-time directory, which systemd made for this start in a directory of root's.
 */

#include "launcher/guest-user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "launcher/log.h"
#include "util/text.h"

char *guest_directory(const char *guest)
{
        const char *list = getenv("RUNTIME_DIRECTORY");

        if (!list || *list != '/')
                return NULL;
        /* several are separated by colons, which are not escaped, and a unit's instance may hold some */
        return strchr(guest, ':') ? strdup(list) : strndup(list, strcspn(list, ":"));
}

int guest_user_find(const char *guest, GuestUser *ret)
{
        _cleanup_(freep) char *directory = guest_directory(guest);
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;

        if (!directory) {
                log_error("$RUNTIME_DIRECTORY is not set: this is to be started by systemd, from a unit with RuntimeDirectory=.");
                return -ENOENT;
        }
        fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, "%s, the guest's run-time directory, cannot be looked at", directory);
        if (st.st_uid == 0) {
                log_error("%s belongs to root, so this guest would run as root. Say User= in its unit.", directory);
                return -EPERM;
        }
        *ret = (GuestUser){
                .uid = st.st_uid,
                .gid = st.st_gid,
                .directory = TAKE_PTR(directory),
                .directory_fd = TAKE_FD(fd),
        };
        return 0;
}

void guest_user_done(GuestUser *user)
{
        free(user->directory);
        fd_close(user->directory_fd);
        *user = GUEST_USER_EMPTY;
}
