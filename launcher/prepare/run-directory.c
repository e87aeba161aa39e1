/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * RuntimeDirectory= stands in a guest's drop-in, so systemd removes the directory after the guest. But where
 * the guest's XML was taken away or spoilt while it ran, and systemd was reloaded, the unit does not name it
 * any more, and the directory would stay. That systemd says so shows in the environment of ExecStopPost=:
 * $SERVICE_RESULT is there, and $RUNTIME_DIRECTORY is not.
 *
 * Trusted: who may write in /run/vm, which is root. Not trusted: what is in the directory, which was the
 * guest's user's; no link is followed, and each directory is taken from that user before it is read.
 */

#include "launcher/prepare/run-directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "log/log.h"
#include "util/text.h"

#define DEPTH_MAX 8 /* QEMU and the launcher make no directories in it; a guest's user may have */

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
        int r = 0;

        if (depth > DEPTH_MAX)
                return -ELOOP;
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fchown(fd, geteuid(), (gid_t) -1) < 0 || fchmod(fd, 0700) < 0)
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

void run_directory_forget(const char *guest)
{
        _cleanup_(freep) char *path = text_format("/run/vm/%s", guest);
        int r;

        if (!path || !getenv("SERVICE_RESULT") || getenv("RUNTIME_DIRECTORY"))
                return;
        r = remove_directory(AT_FDCWD, path, 0);
        if (r < 0 && r != -ENOENT)
                log_errno(LOG_WARNING, r, "Cannot remove %s", path);
}
