/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvirt's users name a file for a serial port or its log, and virtlogd creates it. QEMU cannot create it
 * in its sandbox, which shows only that file and requires it to exist. So it is created here, and handed out
 * and given back like a disk. It is never removed, because somebody wants to read it afterwards.
 *
 * Root creates it only in directories where nobody else can write, so that it is created at the named path,
 * and users do not find files of root in their own directories. In a directory of the guest's user, and in
 * the user scope, that user creates it (errand.c). Symbolic links are followed in neither case. Trusted: the
 * path in the arguments.
 */

#include "launcher/prepare/log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "launcher/errand/path.h"
#include "launcher/errand/user-name.h"
#include "log/log.h"
#include "util/text.h"

/* Checks that only root can change the directory, or add to it (which the sticky bit allows). */
static int check_directory(const GuestUser *user, const Walk *walk, const char *path)
{
        if (!walk->control.anyone && walk->control.owner == 0 && !(walk->st.st_mode & (S_IWGRP | S_IWOTH)))
                return 0;
        log_error(
                "%s does not exist and is not created, because users other than root can write in %s. Name "
                "a file in a directory that only root can write in, or create it: install -m 600 -o %s "
                "/dev/null %s",
                path, walk->control.where ?: walk->path, user_name(user->uid).text, path);
        return -EPERM;
}

static int make_as_root(const GuestUser *user, const Walk *walk, const char *path, const char *name)
{
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = check_directory(user, walk, path);
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
        bool own;
        int r;

        if (!directory)
                return log_out_of_memory();
        r = path_walk_logged("the directory of a log file", directory, &walk);
        if (r < 0)
                return r;
        if (fstatat(walk.fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return 0; /* handing it out checks whether it is suitable */
        if (errno != ENOENT)
                return log_errno(LOG_ERR, -errno, "Cannot stat %s", path);
        own = !granting->ledger || walk.st.st_uid == granting->user->uid;
        return own ? make_as_guest(granting, walk.fd, path, name)
                   : make_as_root(granting->user, &walk, path, name);
}
