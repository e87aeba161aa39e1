/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sandbox hides a guest's runtime and state directory unless QEMU has a file there by name: what a QEMU
 * that was taken over renamed, linked or filled in them, others would follow, or miss. The launcher is in
 * the same sandbox, so the helper opens the directories outside of it, and these descriptors lead there.
 * QEMU does not inherit them, and cannot look into the launcher.
 */

#include "launcher/store/directories.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "contract/fd-name.h"
#include "launcher/errand/guest-user.h"
#include "log/log.h"
#include "util/text.h"

static int take(Fds *fds, const char *name, int *ret_fd, char **ret)
{
        int fd, r;

        r = fds_find(fds, name, &fd);
        if (r < 0)
                return r;
        *ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (*ret_fd < 0)
                return -errno;
        *ret = text_format("/proc/self/fd/%d", *ret_fd);
        return *ret ? 0 : -ENOMEM;
}

int directories_take(Fds *fds, Directories *ret)
{
        Directories d = DIRECTORIES_EMPTY;
        int r;

        r = take(fds, FD_NAME_RUN_DIRECTORY, &d.run_fd, &d.run);
        if (r >= 0) {
                r = take(fds, FD_NAME_STATE_DIRECTORY, &d.state_fd, &d.state);
                r = r == -ENOENT ? 0 : r;
        }
        if (r < 0) {
                directories_done(&d);
                return log_errno(LOG_ERR, r, "Failed to take the guest's directories from its helper");
        }
        *ret = d;
        return 0;
}

void directories_of_environment(const char *guest, Directories *ret)
{
        *ret = DIRECTORIES_EMPTY;
        ret->run = guest_directory(guest);
        ret->state = guest_state_directory(guest);
        ret->run_fd = ret->run ? open(ret->run, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;
        ret->state_fd = ret->state ? open(ret->state, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;
}

void directories_done(Directories *d)
{
        free(d->run);
        free(d->state);
        (void) fd_close(d->run_fd);
        (void) fd_close(d->state_fd);
        *d = DIRECTORIES_EMPTY;
}
