/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds out which user a guest runs as. The unit has User=, and the kernel tells which user the guest's
 * launcher has.
 *
 * If there is no launcher yet, or someone runs the verb by hand, the owner of the runtime directory tells.
 * Trusted: systemd, its environment variables, and the launcher, whom the helper has checked (helper.c).
 */

#include "launcher/errand/guest-user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
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

/* systemd made them, in directories that only root, or the user whose guest this is, can write. */
static int open_directories(const char *guest, GuestUser *user)
{
        _cleanup_(freep) char *state = guest_state_directory(guest);

        user->directory = guest_directory(guest);
        if (!user->directory) {
                log_error("$RUNTIME_DIRECTORY is not set to the guest's runtime directory.");
                return -ENOENT;
        }
        user->directory_fd = open(user->directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (user->directory_fd < 0)
                return log_errno(
                        LOG_ERR, -errno, "Cannot open %s, the guest's runtime directory", user->directory);
        if (!state)
                return 0;
        user->state_fd = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (user->state_fd < 0 && errno != ENOENT)
                return log_errno(LOG_ERR, -errno, "Cannot open %s, the guest's state directory", state);
        return 0;
}

static int check_user(const GuestUser *user)
{
        if (user->uid != 0 && user->uid != NOBODY)
                return 0;
        log_error(
                "%s belongs to %s, so this guest would run as that user. Set User= in its unit.",
                user->directory, user->uid == 0 ? "root" : "nobody");
        return -EPERM;
}

int guest_user_find(const char *guest, GuestUser *ret)
{
        _cleanup_(guest_user_done) GuestUser user = GUEST_USER_EMPTY;
        struct stat st;
        int r;

        r = open_directories(guest, &user);
        if (r < 0)
                return r;
        if (fstat(user.directory_fd, &st) < 0)
                return log_errno(
                        LOG_ERR, -errno, "Cannot stat %s, the guest's runtime directory", user.directory);
        user.uid = st.st_uid;
        user.gid = st.st_gid;
        r = check_user(&user);
        if (r < 0)
                return r;
        *ret = user;
        user = GUEST_USER_EMPTY;
        return 0;
}

int guest_user_of(int connection, const char *guest, GuestUser *ret)
{
        _cleanup_(guest_user_done) GuestUser user = GUEST_USER_EMPTY;
        struct ucred peer;
        socklen_t size = sizeof(peer);
        int r;

        r = open_directories(guest, &user);
        if (r < 0)
                return r;
        if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to ask for the user of the guest's launcher");
        user.uid = peer.uid;
        user.gid = peer.gid;
        r = check_user(&user);
        if (r < 0)
                return r;
        *ret = user;
        user = GUEST_USER_EMPTY;
        return 0;
}

void guest_user_done(GuestUser *user)
{
        free(user->directory);
        fd_close(user->directory_fd);
        fd_close(user->state_fd);
        *user = GUEST_USER_EMPTY;
}
