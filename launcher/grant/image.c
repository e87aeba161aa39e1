/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU gets its disks open, so the guest's user need not be able to open them: they keep their owners, there
 * is nothing to give back after a crash, and the sandbox does not show them. What may be a disk is decided
 * as in grant.c. The guest's user opens the file if it can. Otherwise root does, if the file could have been
 * handed to that user: grant_check_file() on what the walk found. Both open the walk's descriptor, so what
 * was checked is what QEMU gets. Where a server refuses root the way to the file, only that user can open
 * it.
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

static int open_flags(const ImageRequest *q)
{
        return (q->access == ACCESS_READ ? O_RDONLY : O_RDWR) | (q->direct ? O_DIRECT : 0);
}

/* The process of the guest's user is not trusted to have opened what it was asked to. */
static int check_opened(const Walk *walk, int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return st.st_dev == walk->st.st_dev && st.st_ino == walk->st.st_ino ? 0 : -EPROTO;
}

static bool is_opened_so(int fd, int flags)
{
        const int compared = O_ACCMODE | O_DIRECT | O_PATH;

        return (fcntl(fd, F_GETFL) & compared) == (flags & compared);
}

static int open_as_guest(const Granting *granting, const Walk *walk, int flags)
{
        _cleanup_(closep) int fd = errand_reopen(granting->errand, walk->fd, flags);

        if (fd < 0)
                return fd;
        return is_opened_so(fd, flags) && check_opened(walk, fd) >= 0 ? TAKE_FD(fd) : -EPROTO;
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

static int log_failure(const Granting *granting, const ImageRequest *q, const char *path, int r)
{
        if (r == -EINVAL && q->direct) {
                log_error(
                        "The file system of %s does not support cache='none' and cache='directsync' "
                        "(O_DIRECT). Choose another cache mode, or move the file.",
                        path);
                return -EPERM;
        }
        if (is_refusal(r) && !granting->ledger)
                return log_errno(
                        LOG_ERR, r, "User %s cannot %s %s", user_name(granting->user->uid).text,
                        grant_purpose(q->access), path);
        return log_errno(LOG_ERR, r, "Cannot open %s to %s it", path, grant_purpose(q->access));
}

static int open_logged(const Granting *granting, const ImageRequest *q, const Walk *walk)
{
        int fd = open_walk(granting, q, walk, open_flags(q));

        if (fd >= 0)
                return fd;
        if (fd == -ECANCELED) /* grant_check_file() said why */
                return -EPERM;
        return log_failure(granting, q, walk->path, fd);
}

/* Only root can change the way, or the guest's user, whose QEMUs see none of it. */
static bool is_way_closed(const Walk *walk, const GuestUser *user)
{
        return !walk->control.anyone && (walk->control.owner == 0 || walk->control.owner == user->uid);
}

/*
 * On a server that gives root no rights, or in another user's FUSE. Root goes as far as it may, where nobody
 * else can change the way. From there the guest's user goes on, and follows no links: whoever can write
 * there could otherwise have that user open another guest's file. -EACCES if root may go all the way, or
 * that user may not either.
 */
static int open_where_root_may_not(const Granting *granting, const ImageRequest *q)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        _cleanup_(closep) int fd = -EBADF;
        int flags = open_flags(q);

        if (!granting->ledger || path_walk(q->path, &walk) != -EACCES ||
            !is_way_closed(&walk, granting->user))
                return -EACCES;
        fd = errand_open_below(granting->errand, walk.fd, walk.rest, flags);
        if (fd < 0)
                return fd;
        return is_opened_so(fd, flags) ? TAKE_FD(fd) : -EPROTO;
}

int image_open(const Granting *granting, const ImageRequest *q, Store *store)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        int r;

        r = open_where_root_may_not(granting, q);
        if (r >= 0)
                return store_add(store, fd_name_image(q->node), r);
        if (r != -EACCES)
                return log_failure(granting, q, q->path, r);
        r = grant_walk_to_file(q->path, &walk);
        if (r >= 0)
                r = grant_check_use(granting, q->access, &walk);
        if (r >= 0)
                r = open_logged(granting, q, &walk);
        return r < 0 ? r : store_add(store, fd_name_image(q->node), r);
}
