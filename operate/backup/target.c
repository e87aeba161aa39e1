/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The file of a backup. QEMU fills it by a descriptor and never learns its name. It has none until it is
 * whole, where the file system can do that; elsewhere (NFS) it is named NAME.partial, and locked. QEMU has
 * the same open file, so the lock lasts as long as anybody can still write: a file without it is left from a
 * backup that was killed, and is replaced.
 */

#include "operate/backup/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/text.h"

static bool exists(int directory, const char *name)
{
        struct stat st;

        return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) >= 0;
}

/* Removes what a backup that was killed left; -EBUSY if it is still being written. */
static int remove_left(int directory, const char *name)
{
        _cleanup_(closep) int fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        return unlinkat(directory, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int target_create_named(Target *t, int directory, const char *name)
{
        int r;

        *t = (Target){ .directory = directory, .fd = -EBADF, .name = strdup(name) };
        if (!t->name)
                return -ENOMEM;
        t->partial = text_format("%s.partial", t->name);
        if (!t->partial)
                return -ENOMEM;
        r = remove_left(t->directory, t->partial);
        if (r >= 0) {
                t->fd = openat(
                        t->directory, t->partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
                r = t->fd < 0 ? -errno : 0;
        }
        if (r >= 0 && flock(t->fd, LOCK_EX | LOCK_NB) < 0)
                r = errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (r < 0) {
                free(t->partial);
                t->partial = NULL; /* it is another's */
        }
        return r;
}

int target_create(Target *t, int directory, const char *name)
{
        *t = (Target){ .directory = directory, .fd = -EBADF };
        if (exists(directory, name))
                return -EEXIST;
        t->fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (t->fd < 0)
                return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL
                               ? target_create_named(t, directory, name)
                               : -errno;
        t->name = strdup(name);
        return t->name ? 0 : -ENOMEM;
}

int target_create_scratch(Target *t, const char *directory)
{
        *t = TARGET_EMPTY;
        t->fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        return t->fd < 0 ? -errno : 0;
}

int target_reserve(const Target *t, uint64_t size)
{
        if (fallocate(t->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t) size) >= 0)
                return 0;
        return errno == ENOSPC || errno == EFBIG || errno == EDQUOT ? -errno : 0;
}

int target_sync(const Target *t)
{
        struct stat st;

        if (fstat(t->fd, &st) < 0 || ftruncate(t->fd, st.st_size) < 0 || fsync(t->fd) < 0)
                return -errno;
        return 0;
}

int target_name(Target *t)
{
        int r = t->partial ? file_rename_new(t->directory, t->partial, t->name)
                           : file_link_new(t->fd, t->directory, t->name);

        if (r < 0)
                return r;
        free(t->partial);
        t->partial = NULL;
        return 0;
}

void target_done(Target *t)
{
        if (t->partial)
                (void) unlinkat(t->directory, t->partial, 0);
        (void) fd_close(t->fd);
        free(t->name);
        free(t->partial);
        *t = TARGET_EMPTY;
}
