/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit says User=, but the helpers that systemd starts as root are not told: with DynamicUser= there is
 * not even a name for it. What tells is who owns the run-time directory, which systemd made for this start
 * in a directory of root's.
 *
 * With DynamicUser= newer systemds keep the directory as nobody's and map its owner in the mounts of the
 * unit. So it is looked at, and opened, from there; the descriptor goes on to see it so after the host's
 * mounts have been entered.
 */

#include "launcher/errand/guest-user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "log/log.h"
#include "util/text.h"

#define NOBODY 65534U /* who owns what the kernel or systemd has mapped to no user */

/* The first of a list of directories; they are separated by colons, which are not escaped, and an instance
 * may hold some. */
static char *first_directory(const char *variable, const char *guest)
{
        const char *list = getenv(variable);

        if (!list || *list != '/')
                return NULL;
        return strchr(guest, ':') ? strdup(list) : strndup(list, strcspn(list, ":"));
}

char *guest_directory(const char *guest)
{
        return first_directory("RUNTIME_DIRECTORY", guest);
}

char *guest_state_directory(const char *guest)
{
        return first_directory("STATE_DIRECTORY", guest);
}

static int open_directory(const char *path)
{
        return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int guest_user_find(const char *guest, GuestUser *ret)
{
        _cleanup_(freep) char *directory = guest_directory(guest), *state = guest_state_directory(guest);
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;

        if (!directory) {
                log_error("$RUNTIME_DIRECTORY is not set: vm-launcher must be started by systemd, from a "
                          "unit with RuntimeDirectory=.");
                return -ENOENT;
        }
        fd = open_directory(directory);
        if (fd < 0 || fstat(fd, &st) < 0)
                return log_errno(
                        LOG_ERR, -errno, "Cannot stat %s, the guest's runtime directory", directory);
        if (st.st_uid == 0 || st.st_uid == NOBODY) {
                log_error(
                        "%s belongs to %s, so this guest would run as that user. Set User= in its unit.",
                        directory, st.st_uid == 0 ? "root" : "nobody");
                return -EPERM;
        }
        *ret = (GuestUser){
                .uid = st.st_uid,
                .gid = st.st_gid,
                .directory = TAKE_PTR(directory),
                .directory_fd = TAKE_FD(fd),
                .state_fd = state ? open_directory(state) : -EBADF,
        };
        return 0;
}

void guest_user_done(GuestUser *user)
{
        free(user->directory);
        fd_close(user->directory_fd);
        fd_close(user->state_fd);
        *user = GUEST_USER_EMPTY;
}

int guest_user_directory(const GuestUser *user, int fd, const struct stat *st)
{
        struct stat state;

        if (user->state_fd >= 0 && fstat(user->state_fd, &state) >= 0 && state.st_dev == st->st_dev &&
            state.st_ino == st->st_ino)
                return user->state_fd;
        return st->st_uid == user->uid ? fd : -EBADF;
}
