/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * RuntimeDirectory= is in a guest's drop-in, so systemd removes the directory after the guest. But if the
 * guest's XML was removed or broken while it ran, and systemd was reloaded, the unit no longer names the
 * directory, which would stay. The environment shows this: in the unit that cleans up, $RUNTIME_DIRECTORY
 * is set only for a guest that can start.
 *
 * Trusted: users that can write in /run/vm, which is only root. Not trusted: the contents of the directory,
 * which belonged to the guest's user: no link is followed, each directory is taken from that user before it
 * is read, and what is mounted there stays. The name is not trusted either, see unit-name.h.
 */

#include "launcher/prepare/run-directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

#define GUESTS_DIRECTORY "/run/vm"
#define DEPTH_MAX        8 /* QEMU and the launcher create no directories in it, but a guest's user may have */

static int remove_directory(int parent, const char *name, unsigned depth);

static int remove_entry(int directory, const char *name, unsigned depth)
{
        if (unlinkat(directory, name, 0) >= 0)
                return 0;
        return errno == EISDIR ? remove_directory(directory, name, depth) : -errno;
}

static int remove_directory(int parent, const char *name, unsigned depth)
{
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(closedirp) DIR *stream = NULL;
        struct dirent *entry;
        struct stat above, below;
        int r = 0;

        if (depth > DEPTH_MAX)
                return -ELOOP;
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &below) < 0 || fstat(parent, &above) < 0)
                return -errno;
        if (below.st_dev != above.st_dev)
                return -EXDEV;
        if (fchown(fd, geteuid(), (gid_t) -1) < 0 || fchmod(fd, 0700) < 0)
                return -errno;
        stream = fdopendir(fd);
        if (!stream)
                return -errno;
        fd = -EBADF;
        while (r >= 0 && (errno = 0, entry = readdir(stream)))
                if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
                        r = remove_entry(dirfd(stream), entry->d_name, depth + 1);
        if (r >= 0 && errno == 0 && unlinkat(parent, name, AT_REMOVEDIR) >= 0)
                return 0;
        return r < 0 ? r : -errno;
}

/* Only below the directory of all guests, and only one component down from it. */
static int open_guests(int *ret)
{
        int fd = open(GUESTS_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        *ret = fd;
        return 0;
}

bool run_directory_is_left(const char *guest)
{
        _cleanup_(closep) int guests = -EBADF;
        struct stat st;

        return !getenv("RUNTIME_DIRECTORY") && guest_name_is_valid(guest) && open_guests(&guests) >= 0 &&
               fstatat(guests, guest, &st, AT_SYMLINK_NOFOLLOW) >= 0;
}

void run_directory_forget(const char *guest)
{
        _cleanup_(closep) int guests = -EBADF;
        int r = open_guests(&guests);

        r = r < 0 ? r : remove_directory(guests, guest, 0);
        if (r < 0 && r != -ENOENT)
                log_errno(LOG_WARNING, r, "Cannot remove " GUESTS_DIRECTORY "/%s", guest);
}
