/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files named by somebody else may be FIFOs, devices or endless: each read has a limit and never blocks on
 * opening. */

#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/text.h"

int file_read_at(int fd, void *data, size_t size, off_t offset, size_t *ret_size)
{
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, (char *) data + done, size - done, offset + (off_t) done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t) n;
        }
        *ret_size = done;
        return 0;
}

static int64_t now_milliseconds(void)
{
        struct timespec t = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int file_read_pipe(int fd, char *text, size_t size, unsigned milliseconds)
{
        int64_t end = now_milliseconds() + milliseconds;
        size_t done = 0;

        text[0] = '\0';
        while (done < size - 1) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                int64_t left = end - now_milliseconds();
                int r = left > 0 ? poll(&p, 1, (int) left) : 0;
                ssize_t n;

                if (r < 0 && errno == EINTR)
                        continue;
                if (r <= 0)
                        return r < 0 ? -errno : -ETIMEDOUT;
                n = read(fd, text + done, size - 1 - done);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                done += (size_t) n;
                text[done] = '\0';
        }
        return -EFBIG;
}

static int read_all(int fd, size_t max, char **ret_data, size_t *ret_size)
{
        _cleanup_(freep) char *data = NULL;
        size_t size = 0, room = 0;

        for (;;) {
                size_t wanted, n;
                int r;

                if (room - size < 2) {
                        char *bigger;

                        if (size > max)
                                return -EFBIG;
                        room = room ? 2 * room : 4096;
                        bigger = realloc(data, room);
                        if (!bigger)
                                return -ENOMEM;
                        data = bigger;
                }
                wanted = room - size - 1;
                r = file_read_at(fd, data + size, wanted, (off_t) size, &n);
                if (r < 0)
                        return r;
                size += n;
                if (n < wanted)
                        break;
        }
        if (size > max)
                return -EFBIG;
        data[size] = '\0';
        *ret_data = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

int file_read(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size)
{
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;

        fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_size > 0 && (size_t) st.st_size > max)
                return -EFBIG;
        return read_all(fd, max, ret_data, ret_size);
}

int file_write_all(int fd, const void *data, size_t size)
{
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

int file_write_atomic(int dir_fd, const char *path, const void *data, size_t size, mode_t mode, int sync)
{
        _cleanup_(freep) char *temporary = NULL;
        _cleanup_(closep) int fd = -EBADF;
        const char *slash = strrchr(path, '/');
        unsigned random;
        int r;

        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
                random = (unsigned) getpid();
        /* without the file's own name, which may be as long as a name can be */
        temporary = text_format("%.*s.#%08x", slash ? (int) (slash + 1 - path) : 0, path, random);
        if (!temporary)
                return -ENOMEM;
        fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
                return -errno;
        r = file_write_all(fd, data, size);
        if (r >= 0 && fchmod(fd, mode) < 0)
                r = -errno;
        if (r >= 0 && sync && fsync(fd) < 0)
                r = -errno;
        if (r >= 0 && renameat(dir_fd, temporary, dir_fd, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(dir_fd, temporary, 0);
        return r;
}

int file_rename_new(int dir_fd, const char *from, const char *to)
{
        struct stat st;

        if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) >= 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        /* NFS and a few others do not support RENAME_NOREPLACE */
        if (fstatat(dir_fd, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode)) { /* has no links; a directory could only replace an empty one */
                if (fstatat(dir_fd, to, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                        return -EEXIST;
                if (errno != ENOENT)
                        return -errno;
                return renameat(dir_fd, from, dir_fd, to) < 0 ? -errno : 0;
        }
        if (linkat(dir_fd, from, dir_fd, to, 0) < 0)
                return -errno;
        return unlinkat(dir_fd, from, 0) < 0 ? -errno : 0;
}

int file_create_nameless(int dir_fd)
{
        int fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : fd;
}

int file_link_new(int fd, int dir_fd, const char *name)
{
        char link[32];

        /* by its path in /proc, because AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH */
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        return linkat(AT_FDCWD, link, dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int file_make_directories(int dir_fd, const char *path, mode_t mode)
{
        _cleanup_(freep) char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *p = copy + 1;; p++) {
                char c = *p;

                if (c != '/' && c != '\0')
                        continue;
                *p = '\0';
                if (mkdirat(dir_fd, copy, mode) < 0 && errno != EEXIST)
                        return -errno;
                *p = c;
                if (c == '\0')
                        return 0;
        }
}

int file_open_private_directory(const char *path)
{
        const char *slash = strrchr(path, '/');
        _cleanup_(freep) char *parent = text_format("%.*s", slash ? (int) (slash - path) : 0, path);
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        int r;

        if (!parent)
                return -ENOMEM;
        r = *parent ? file_make_directories(AT_FDCWD, parent, 0755) : 0;
        if (r < 0)
                return r;
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid() || st.st_mode & 0077)
                return -EUCLEAN;
        return TAKE_FD(fd);
}

int directory_remove(const char *path)
{
        _cleanup_(closedirp) DIR *dir = opendir(path);
        struct dirent *entry;
        int r = 0;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir)))
                if (!(entry->d_name[0] == '.' &&
                      (!entry->d_name[1] || (entry->d_name[1] == '.' && !entry->d_name[2]))) &&
                    unlinkat(dirfd(dir), entry->d_name, 0) < 0 && r == 0)
                        r = -errno;
        if (rmdir(path) < 0 && r == 0)
                r = -errno;
        return r;
}
