/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * qemu-img writes the header, and sees nothing else: the image under it, which a guest has written, is not
 * opened (-u), because who does this may be root. The directory may belong to the guest's user, who could
 * put a link where the overlay is to be; so the file is made without a name, and gets one when it is
 * complete, which fails if the name is taken. Where a file system has no such files, the name is made first,
 * exclusively.
 */

#include "operate/overlay.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/file.h"
#include "util/ownership.h"
#include "util/text.h"

#define QCOW2_MAGIC       0x514649fbU
#define QCOW2_VERSION     3 /* the first that has features */
#define QCOW2_DATA_FILE   (UINT64_C(1) << 2)
#define QCOW2_HEADER_SIZE 32 /* of what every version has */

static int run_qemu_img(const OverlayRequest *q, int fd)
{
        _cleanup_(freep) char *file = text_format("/proc/self/fd/%d", fd),
                              *size = text_format("%llu", (unsigned long long) q->size);
        char *const argv[] = {
                "qemu-img", "create",         "-q", "-f", "qcow2", "-u", "-F", (char *) q->format,
                "-b",       (char *) q->base, file, size, NULL
        };
        pid_t child = file && size ? fork() : -1;
        int status;

        if (child < 0)
                return -errno;
        if (child == 0) {
                (void) fcntl(fd, F_SETFD, 0);
                (void) execvp(argv[0], argv);
                (void) fprintf(stderr, "vmctl: cannot run qemu-img: %s\n", strerror(errno));
                _exit(127);
        }
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOEXEC;
}

/* As the image under it, so that who could use that can use both. */
static int copy_owner(const OverlayRequest *q, int fd)
{
        struct stat st;

        if (stat(q->base, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return 0;
        if (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
                return -errno;
        return fchmod(fd, st.st_mode & 0666) < 0 ? -errno : 0;
}

static int fill(const OverlayRequest *q, int fd)
{
        int r = run_qemu_img(q, fd);

        r = r < 0 ? r : copy_owner(q, fd);
        return r >= 0 && fsync(fd) < 0 ? -errno : r;
}

static int create_named(const OverlayRequest *q, int directory, const char *name)
{
        _cleanup_(closep) int fd =
                openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = fd < 0 ? -errno : fill(q, fd);

        if (r < 0 && fd >= 0)
                (void) unlinkat(directory, name, 0);
        return r;
}

int overlay_create(const OverlayRequest *q)
{
        _cleanup_(freep) char *parent = path_directory(q->path);
        _cleanup_(closep) int directory = -EBADF, fd = -EBADF;
        const char *name = strrchr(q->path, '/') + 1;
        struct stat st;
        int r;

        if (!parent)
                return -ENOMEM;
        directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0)
                return -errno;
        if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return -EEXIST;
        fd = file_create_nameless(directory);
        if (fd >= 0) {
                r = fill(q, fd);
                r = r < 0 ? r : file_link_new(fd, directory, name);
        } else
                r = create_named(q, directory, name);
        return r >= 0 && fsync(directory) < 0 ? -errno : r;
}

int image_read_header(int fd, ImageHeader *ret)
{
        struct {
                uint32_t magic, version;
                uint64_t backing;
                uint32_t backing_size, cluster_bits;
                uint64_t size;
                char other[40];
                uint64_t features; /* incompatible ones */
        } header = { 0 };
        size_t size;
        int r = file_read_at(fd, &header, sizeof(header), 0, &size);

        if (r < 0)
                return r;
        if (size < QCOW2_HEADER_SIZE || be32toh(header.magic) != QCOW2_MAGIC)
                return -EBADMSG;
        *ret = (ImageHeader){
                .size = be64toh(header.size),
                .has_backing = header.backing != 0,
                .has_data = be32toh(header.version) >= QCOW2_VERSION &&
                            (be64toh(header.features) & QCOW2_DATA_FILE) != 0,
        };
        return 0;
}

int overlay_size_of(const char *path, const char *format, uint64_t *ret)
{
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        ImageHeader header;
        off_t end;
        int r;

        if (fd < 0)
                return -errno;
        if (streq(format, "raw")) {
                end = lseek(fd, 0, SEEK_END);
                *ret = (uint64_t) end;
                return end < 0 ? -errno : 0;
        }
        if (!streq(format, "qcow2"))
                return -EMEDIUMTYPE;
        r = image_read_header(fd, &header);
        if (r < 0)
                return r;
        *ret = header.size;
        return 0;
}

static int check_directory(const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        return st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) ? -EPERM : 0;
}

int image_check_way(const char *path)
{
        _cleanup_(freep) char *real = realpath(path, NULL);
        const char *const ways[] = { path, real }; /* links are root's if their directories are */
        int r = real ? check_directory("/") : -errno;

        for (size_t i = 0; r >= 0 && i < ELEMENTS(ways); i++)
                for (const char *slash = strchr(ways[i] + 1, '/'); r >= 0 && slash;
                     slash = strchr(slash + 1, '/')) {
                        _cleanup_(freep) char *directory = strndup(ways[i], (size_t) (slash - ways[i]));

                        r = directory ? check_directory(directory) : -ENOMEM;
                }
        return r;
}
