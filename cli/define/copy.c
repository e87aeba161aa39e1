/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Images are copied as bytes: nothing of their format has to be understood, which nobody should do as root
 * to what a guest has written. A copy has no name while it is made, so that nothing is left of it if this
 * process is killed; file systems that cannot do that get a hidden file.
 */

#include "cli/define/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/file.h"
#include "util/text.h"

#define PIECE         ((size_t) 4 << 20) /* bytes between two looks at the clock */
#define QUIET_SECONDS 2

typedef struct Progress {
        const char *name;
        off_t size;
        time_t begin, last;
        bool shown;
} Progress;

static time_t now(void)
{
        struct timespec t = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

static void show(Progress *p, off_t at)
{
        time_t t = now();

        if (!isatty(STDERR_FILENO) || t == p->last || t - p->begin < QUIET_SECONDS)
                return;
        p->last = t;
        p->shown = true;
        fprintf(stderr, "\rCopying %s: %d %%", p->name, (int) ((double) at * 100 / (double) p->size));
        (void) fflush(stderr);
}

static int copy_piece(int from, int to, off_t at, size_t size, char *buffer)
{
        ssize_t n;
        size_t got;
        int r;

        n = copy_file_range(from, &(off_t){ at }, to, &(off_t){ at }, size, 0);
        if (n > 0)
                return (int) n;
        if (n < 0 && errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
                return -errno;
        r = file_read_at(from, buffer, size, at, &got);
        if (r < 0 || got == 0)
                return r < 0 ? r : -EIO; /* it became shorter */
        if (lseek(to, at, SEEK_SET) < 0)
                return -errno;
        r = file_write_all(to, buffer, got);
        return r < 0 ? r : (int) got;
}

/* Holes stay holes; a file system that does not know them has none. */
static int copy_data(int from, int to, Progress *p)
{
        _cleanup_(freep) char *buffer = malloc(PIECE);
        off_t at = 0;

        if (!buffer)
                return -ENOMEM;
        while (at < p->size) {
                off_t data = lseek(from, at, SEEK_DATA), end;

                if (data < 0 && errno == ENXIO)
                        return 0;
                data = data < 0 ? at : data;
                end = lseek(from, data, SEEK_HOLE);
                end = end < 0 || end > p->size ? p->size : end;
                for (at = data; at < end;) {
                        size_t size = (size_t) (end - at) < PIECE ? (size_t) (end - at) : PIECE;
                        int r = copy_piece(from, to, at, size, buffer);

                        if (r < 0)
                                return r;
                        at += r;
                        show(p, at);
                }
        }
        return 0;
}

static int copy_content(int from, const struct stat *st, FileCopy *c)
{
        Progress p = { .name = c->from, .size = st->st_size, .begin = now() };
        int r = 0;

        if (ioctl(c->fd, FICLONE, from) < 0) {
                r = ftruncate(c->fd, st->st_size) < 0 ? -errno : 0;
                r = r < 0 ? r : copy_data(from, c->fd, &p);
        }
        if (p.shown)
                fputs("\r\033[K", stderr);
        if (r < 0)
                return r;
        /* only root can give files away */
        if (fchown(c->fd, st->st_uid, st->st_gid) < 0 && errno != EPERM)
                return -errno;
        return fchmod(c->fd, st->st_mode & 0777) < 0 || fsync(c->fd) < 0 ? -errno : 0;
}

static const char *base_of(const char *path)
{
        return strrchr(path, '/') + 1;
}

static int create(FileCopy *c)
{
        struct stat st;

        c->fd = file_create_nameless(c->directory);
        if (c->fd >= 0 || c->fd != -EOPNOTSUPP)
                return c->fd;
        if (fstatat(c->directory, base_of(c->to), &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return -EEXIST;
        c->made = text_format(".#%s.%ld", base_of(c->to), (long) getpid());
        if (!c->made)
                return -ENOMEM;
        c->fd = openat(c->directory, c->made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        return c->fd < 0 ? -errno : 0;
}

int copy_make(const char *from, const char *to, off_t max, FileCopy *ret)
{
        _cleanup_(closep) int source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        _cleanup_(freep) char *directory = path_directory(to);
        struct stat st;
        int r;

        *ret = FILE_COPY_EMPTY;
        ret->from = strdup(from);
        ret->to = strdup(to);
        if (!directory || !ret->from || !ret->to)
                return -ENOMEM;
        if (source < 0 || fstat(source, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_size > max)
                return -EFBIG;
        ret->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (ret->directory < 0)
                return -errno;
        if (faccessat(ret->directory, base_of(to), F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return -EEXIST;
        r = create(ret);
        return r < 0 ? r : copy_content(source, &st, ret);
}

int copy_name(FileCopy *c)
{
        int r = c->made ? file_rename_new(c->directory, c->made, base_of(c->to))
                        : file_link_new(c->fd, c->directory, base_of(c->to));

        if (r < 0)
                return r;
        c->named = true;
        free(c->made);
        c->made = NULL;
        return fsync(c->directory) < 0 ? -errno : 0;
}

void copy_keep(FileCopy *c)
{
        c->named = false;
}

void copy_done(FileCopy *c)
{
        if (c->named)
                (void) unlinkat(c->directory, base_of(c->to), 0);
        if (c->made)
                (void) unlinkat(c->directory, c->made, 0);
        free(c->from);
        free(c->to);
        free(c->made);
        c->fd = fd_close(c->fd);
        c->directory = fd_close(c->directory);
}
