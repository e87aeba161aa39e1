/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU gets its disks open, so the guest's user need not be able to open them: they keep their owners, there
 * is nothing to give back after a crash, and the sandbox does not show them. What may be a disk is decided
 * as in grant.c. The guest's user opens the file if it can, which also works where a server gives root no
 * rights. Otherwise root does, if the file could have been handed to that user: grant_check_file() on what
 * the walk found. Both open the walk's descriptor, so what was checked is what QEMU gets.
 *
 * QEMU itself locks an image against a second writer. Its locks belong to the open file, and the last holder
 * of a descriptor ends them, so each start opens the image anew.
 */

#include "launcher/grant/image.h"

#include <errno.h>
#include <fcntl.h>

#include "contract/fd-name.h"
#include "launcher/errand/path.h"
#include "launcher/errand/user-name.h"
#include "launcher/grant/grant-check.h"
#include "log/log.h"

static bool is_refusal(int r)
{
        return r == -EACCES || r == -EPERM;
}

/* The process of the guest's user is not trusted to have opened what it was asked to. */
static int check_opened(const Walk *walk, int fd, int flags)
{
        const int compared = O_ACCMODE | O_DIRECT | O_PATH;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_dev != walk->st.st_dev || st.st_ino != walk->st.st_ino ||
            (fcntl(fd, F_GETFL) & compared) != (flags & compared))
                return -EPROTO;
        return 0;
}

static int open_as_guest(const Granting *granting, const Walk *walk, int flags)
{
        _cleanup_(closep) int fd = errand_reopen(granting->errand, walk->fd, flags);
        int r = fd < 0 ? fd : check_opened(walk, fd, flags);

        return r < 0 ? r : TAKE_FD(fd);
}

static int open_walk(const Granting *granting, const ImageRequest *q, const Walk *walk, int flags)
{
        int fd = open_as_guest(granting, walk, flags), r;

        if (!is_refusal(fd) || !granting->ledger)
                return fd;
        r = grant_check_file(granting, walk, q->access);
        if (r < 0)
                return -ECANCELED;
        return path_reopen(walk->fd, flags | O_NOCTTY);
}

static int open_logged(const Granting *granting, const ImageRequest *q, const Walk *walk)
{
        int flags = (q->access == ACCESS_READ ? O_RDONLY : O_RDWR) | (q->direct ? O_DIRECT : 0);
        int fd = open_walk(granting, q, walk, flags);

        if (fd >= 0)
                return fd;
        if (fd == -ECANCELED) /* grant_check_file() said why */
                return -EPERM;
        if (fd == -EINVAL && q->direct) {
                log_error(
                        "The file system of %s does not support cache='none' and cache='directsync' "
                        "(O_DIRECT). Choose another cache mode, or move the file.",
                        walk->path);
                return -EPERM;
        }
        if (is_refusal(fd) && !granting->ledger)
                return log_errno(
                        LOG_ERR, fd, "User %s cannot %s %s", user_name(granting->user->uid).text,
                        grant_purpose(q->access), walk->path);
        return log_errno(LOG_ERR, fd, "Cannot open %s to %s it", walk->path, grant_purpose(q->access));
}

int image_open(const Granting *granting, const ImageRequest *q, Store *store)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        int r;

        r = grant_walk_to_file(q->path, &walk);
        if (r >= 0)
                r = grant_check_use(granting, q->access, &walk);
        if (r >= 0)
                r = open_logged(granting, q, &walk);
        return r < 0 ? r : store_add(store, fd_name_image(q->node), r);
}
