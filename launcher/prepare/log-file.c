/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvirt's users name a file for a serial port or its log, and virtlogd makes it. In the sandbox QEMU could
 * not: it is shown that one file, which must be there. So it is made here, and handed out and given back as
 * a disk is. It is never removed, since it is what somebody wants to read afterwards.
 *
 * Root makes it only where nobody else may write, so that it is made where the path says, and nobody finds a
 * file of root's in his own directory. In a directory of the guest's user, and in the user scope, that user
 * makes it (errand.c). A symbolic link is followed in neither.
 */

#include "launcher/prepare/log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "launcher/errand/path.h"
#include "launcher/errand/user-name.h"
#include "log/log.h"

/* Whether nobody but root may change what is in the directory, not even add to it (the sticky bit). */
static int check_directory(const Walk *walk, const char *path)
{
        if (!walk->control.anyone && walk->control.owner == 0 && !(walk->st.st_mode & (S_IWGRP | S_IWOTH)))
                return 0;
        log_error(
                "%s does not exist and is not created, because users other than root can write in %s. Name "
                "a file in a directory that only root can write in, or create it: install -m 600 /dev/null "
                "%s",
                path, walk->control.where ?: walk->path, path);
        return -EPERM;
}

static int make_as_root(const Walk *walk, const char *path, const char *name)
{
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = check_directory(walk, path);
        if (r < 0)
                return r;
        fd = openat(walk->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd >= 0 || errno == EEXIST ? 0 : log_errno(LOG_ERR, -errno, "Cannot create %s", path);
}

static int make_as_guest(const Granting *granting, int directory, const char *path, const char *name)
{
        _cleanup_(closep) int fd = -EBADF;

        fd = errand_create(granting->errand, directory, name);
        return fd >= 0 || fd == -EEXIST ? 0
                                        : log_errno(
                                                  LOG_ERR, fd, "Cannot create %s as user %s", path,
                                                  user_name(granting->user->uid).text);
}

int log_file_make(const Granting *granting, const char *path)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        _cleanup_(freep) char *directory = path_directory(path);
        const char *name = strrchr(path, '/') + 1;
        struct stat st;
        int r, own;

        if (!directory)
                return log_out_of_memory();
        r = path_walk_logged("the directory of a log file", directory, &walk);
        if (r < 0)
                return r;
        if (fstatat(walk.fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return 0; /* whether it is what it should be is seen when it is handed out */
        if (errno != ENOENT)
                return log_errno(LOG_ERR, -errno, "Cannot stat %s", path);
        own = granting->ledger ? guest_user_directory(granting->user, walk.fd, &walk.st) : walk.fd;
        return own >= 0 ? make_as_guest(granting, own, path, name) : make_as_root(&walk, path, name);
}
