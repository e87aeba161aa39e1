/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connects to a socket that the launcher of a running guest listens on.
 *
 * The socket's directory belongs to the guest's user, so a compromised QEMU may have replaced it, above all
 * with a symbolic link to a socket that only the caller may use. So only a socket in that very directory,
 * owned by the directory's owner, is accepted.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "util/file.h"
#include "util/unit-name.h"
#include "util/user-directory.h"

#define CONNECT_SECONDS 10

/* Opens the socket in the directory with O_PATH; -ENOTSOCK if it is another kind of file or has another
 * owner. */
static int find_socket(const char *path, const char *name)
{
        _cleanup_(closep) int directory = -EBADF, fd = -EBADF;
        struct stat owner, st;

        directory = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (directory < 0 || fstat(directory, &owner) < 0)
                return -errno;
        fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        return S_ISSOCK(st.st_mode) && st.st_uid == owner.st_uid ? TAKE_FD(fd) : -ENOTSOCK;
}

static int connect_in(const char *directory, const char *name)
{
        /* a launcher that is stopped accepts nobody, and its queue may be full */
        const struct timeval patience = { .tv_sec = CONNECT_SECONDS }, none = { 0 };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(closep) int found = find_socket(directory, name), fd = -EBADF;

        if (found < 0)
                return found;
        snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", found);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
            connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int connect_to_guest(const Call *call, const char *name, const char *missing, int *ret)
{
        bool user_scope = call->user_scope;
        const char *guest = call->words[0];
        _cleanup_(freep) char *path = NULL, *found = NULL, *unit = NULL, *at = NULL;
        _cleanup_(freep) char *run = user_scope ? user_directory(USER_RUN) : strdup("/run");
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (strchr(guest, '/'))
                return fail(EXIT_BAD_USAGE, "%s requires a guest's name", call->verb);
        if (!guest_name_is_valid(guest))
                return fail(EXIT_BAD_USAGE, "\"%s\" is not a valid guest name", guest);
        at = text_format("%s/vm/%s", run ?: "/run", guest);
        if (!at || unit_name_for_guest(guest, &unit) < 0)
                return fail(EXIT_OS, "out of memory");
        fd = connect_in(at, name);
        if (fd == -ENOENT || fd == -ECONNREFUSED) {
                /* a guest that runs needs no file any more, one that does not may never have had any */
                r = resolve_guest(user_scope, guest, &path, &found);
                if (r != 0)
                        return r;
                if (guest_is_saved(user_scope, guest))
                        missing = "is saved";
                return fail(
                        EXIT_MISSING, "guest %s %s; to start it: %s start '%s'", guest, missing,
                        systemctl_of(user_scope), unit);
        }
        if (fd == -ENOTSOCK)
                return fail(
                        EXIT_POLICY,
                        "refusing to connect to %s/%s: it is not the socket that the guest's launcher "
                        "created",
                        at, name);
        if (fd < 0)
                return fail(
                        fd == -EACCES ? EXIT_POLICY : EXIT_OS, "cannot connect to %s/%s: %s", at, name,
                        strerror(-fd));
        *ret = TAKE_FD(fd);
        return 0;
}
