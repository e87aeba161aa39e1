/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds out which user a guest runs as. The unit has User=, but systemd does not tell the commands that it
 * starts as root, and with DynamicUser= the user may not even have a name. The owner of the runtime
 * directory tells: systemd created it for this start, in a directory that only root can write in.
 *
 * With DynamicUser=, newer versions of systemd keep the directory owned by nobody and map its owner in the
 * unit's mounts. So it is inspected and opened in those mounts; the descriptor keeps showing the mapped
 * owner after the host's mounts have been entered. Trusted: systemd, and its environment variables.
 */

#include "launcher/errand/guest-user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "log/log.h"
#include "util/text.h"

#define NOBODY 65534U /* the owner of files whose user the kernel or systemd could not map */

/*
 * The first of a list of directories. Colons separate them and are not escaped, although an instance name
 * may contain some.
 */
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
