/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The descriptors that QEMU was started with, used for more than reading and writing them, and files that
 * QEMU can write, executed. What the guest changes that way must not outlive it.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/attack/attack.h"

/* The first descriptor of that access mode that is a file; a disk, that is. */
static int disk(int access)
{
        struct stat s;

        for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
                int flags = fcntl(fd, F_GETFL);

                if (flags >= 0 && (flags & O_ACCMODE) == access && fstat(fd, &s) == 0 &&
                    S_ISREG(s.st_mode) && s.st_nlink > 0 && s.st_size >= 512)
                        return fd;
        }
        return -1;
}

static int disk_reopen(const char *target, int access)
{
        int fd = disk(access);
        char path[64];

        if (fd < 0)
                return NOT_APPLICABLE;
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return open(path, O_RDWR | O_CLOEXEC) < 0 ? -errno : 0;
}

static int disk_link(const char *target, int argument)
{
        int fd = disk(O_RDWR);
        char from[64], to[2048];

        if (fd < 0)
                return NOT_APPLICABLE;
        (void) snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
        (void) snprintf(to, sizeof(to), "%s/attack-kept", target);
        if (linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) < 0)
                return -errno;
        return unlink(to) < 0 ? -errno : 0;
}

static int disk_mode(const char *target, int argument)
{
        struct stat s;
        int fd = disk(O_RDWR);

        if (fd < 0)
                return NOT_APPLICABLE;
        if (fstat(fd, &s) < 0 || fchmod(fd, 0666) < 0)
                return -errno;
        return fchmod(fd, s.st_mode & 07777) < 0 ? -errno : 0;
}

static int disk_owner(const char *target, int argument)
{
        struct stat s;
        int fd = disk(O_RDWR);

        if (fd < 0)
                return NOT_APPLICABLE;
        if (fstat(fd, &s) < 0 || fchown(fd, geteuid(), (gid_t) -1) < 0)
                return -errno;
        return fchown(fd, s.st_uid, (gid_t) -1) < 0 ? -errno : 0;
}

static int disk_attribute(const char *name, int argument)
{
        int fd = disk(O_RDWR);

        if (fd < 0)
                return NOT_APPLICABLE;
        if (fsetxattr(fd, name, "x", 1, 0) < 0)
                return -errno;
        return fremovexattr(fd, name) < 0 ? -errno : 0;
}

static int disk_flags(const char *target, int argument)
{
        int fd = disk(O_RDWR), flags = 0, changed;

        if (fd < 0)
                return NOT_APPLICABLE;
        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                return -errno;
        changed = flags ^ FS_NODUMP_FL;
        if (ioctl(fd, FS_IOC_SETFLAGS, &changed) < 0)
                return -errno;
        return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}

static int disk_times(const char *target, int argument)
{
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };
        struct stat s;
        int fd = disk(O_RDWR);

        if (fd < 0)
                return NOT_APPLICABLE;
        if (fstat(fd, &s) < 0 || futimens(fd, times) < 0)
                return -errno;
        times[1] = s.st_mtim;
        return futimens(fd, times) < 0 ? -errno : 0;
}

/* Others would wait for the holder of a lease before they can open the disk. */
static int disk_lease(const char *target, int argument)
{
        int fd = disk(O_RDWR);

        if (fd < 0)
                return NOT_APPLICABLE;
        return fcntl(fd, F_SETLEASE, F_WRLCK) < 0 ? -errno : 0;
}

/* From a directory one can walk to all others of its file system. */
static int directories(const char *target, int argument)
{
        struct stat s;

        for (int fd = 0; fd < 1024; fd++)
                if (fstat(fd, &s) == 0 && S_ISDIR(s.st_mode))
                        return 0;
        return -EBADF;
}

/* A file, device or socket that has a name outside of what this guest is given. */
static int foreign(const char *target, int argument)
{
        for (int fd = 0; fd < 1024; fd++) {
                char name[64], path[4096];
                ssize_t n;

                (void) snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
                n = readlink(name, path, sizeof(path) - 1);
                if (n <= 0 || path[0] != '/')
                        continue;
                path[n] = '\0';
                if (!strstr(path, target) && strcmp(path, "/dev/null") != 0 &&
                    strcmp(path, "/dev/urandom") != 0 && strncmp(path, "/memfd:", 7) != 0)
                        return 0;
        }
        return -EBADF;
}

/* A program in that directory; its descriptor, or -errno. */
static int program(const char *directory, char *path, size_t size)
{
        static const char text[] = "#!/bin/sh\n";
        int fd;

        (void) snprintf(path, size, "%s/attack-program", directory);
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
        if (fd < 0)
                return -errno;
        return write(fd, text, sizeof(text) - 1) < 0 ? -errno : fd;
}

/* What remains of it does no harm, and is gone with the directory. */
static int execute(const char *target, int argument)
{
        char path[2048], *argv[] = { path, NULL }, *environment[] = { NULL };
        int fd = program(target, path, sizeof(path));

        if (fd < 0)
                return fd;
        (void) close(fd);
        (void) execve(path, argv, environment);
        return -errno;
}

static int map(const char *target, int argument)
{
        char path[2048];
        int fd = program(target, path, sizeof(path));

        if (fd < 0)
                return fd;
        return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -errno : 0;
}

static int execute_memory(const char *target, int argument)
{
        char *argv[] = { (char *) "attack", NULL }, *environment[] = { NULL };
        int fd = memfd_create("attack", 0);

        if (fd < 0)
                return -errno;
        if (write(fd, "#!/bin/sh\n", 10) < 0)
                return -errno;
        (void) fexecve(fd, argv, environment);
        return -errno;
}

static int map_memory(const char *target, int argument)
{
        int fd = memfd_create("attack", MFD_CLOEXEC);

        if (fd < 0 || ftruncate(fd, 4096) < 0)
                return -errno;
        return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED ? -errno : 0;
}

const Attack attacks_on_own_files[] = {
        { "disk-reopen", disk_reopen, NULL, O_RDWR, "EACCES" },
        { "disk-read-only-write", disk_reopen, NULL, O_RDONLY, "EACCES" },
        { "disk-link", disk_link, "{own-state}", 0, "ENOENT" },
        { "disk-mode", disk_mode, NULL, 0, "EPERM" },
        { "disk-owner", disk_owner, NULL, 0, "EPERM" },
        { "disk-attribute", disk_attribute, "user.attack", 0, "EACCES" },
        { "disk-trusted-attribute", disk_attribute, "trusted.attack", 0, "EPERM" },
        { "disk-flags", disk_flags, NULL, 0, "EPERM|ENOTTY" },
        { "disk-times", disk_times, NULL, 0, "EPERM" },
        { "disk-lease", disk_lease, NULL, 0, "EACCES" },
        { "descriptors-directories", directories, NULL, 0, "EBADF" },
        { "descriptors-foreign", foreign, "{own-name}", 0, "EBADF" },

        { "execute-run", execute, "{own-run}", 0, "EACCES|EROFS|ENOENT" },
        { "execute-state", execute, "{own-state}", 0, "ENOENT" },
        { "execute-tmp", execute, "/tmp", 0, "EROFS" },
        { "execute-var-tmp", execute, "/var/tmp", 0, "EROFS" },
        { "execute-shared-memory", execute, "/dev/shm", 0, "EACCES" },
        { "execute-memory", execute_memory, NULL, 0, "EPERM" },
        { "map-state", map, "{own-state}", 0, "ENOENT" },
        { "map-tmp", map, "/tmp", 0, "EROFS" },
        { "map-shared-memory", map, "/dev/shm", 0, "EPERM" },
        { "map-memory", map_memory, NULL, 0, "EPERM" },
        {},
};
