/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options that were renamed must be right on the command line, before there is a monitor to ask. So if the
 * guest has such an option, QEMU is run once with --version before the guest starts, in the same sandbox.
 */

#include "launcher/qemu/qemu-version.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/run/process.h"
#include "log/log.h"
#include "util/file.h"
#include "util/text.h"

#define PATIENCE_MS 10000 /* loading QEMU from a cold disk takes one or two seconds */
#define ANSWER_MAX  512u  /* bytes; the version comes first */

int qemu_version_parse(const char *text, QemuVersion *ret)
{
        QemuVersion v;

        if (sscanf(text, "QEMU emulator version %4u.%4u", &v.major, &v.minor) != 2)
                return -EINVAL;
        *ret = v;
        return 0;
}

int qemu_version_ask(const char *program, QemuVersion *ret)
{
        char *const argv[] = { (char *) program, (char *) "--version", NULL };
        _cleanup_(closep) int from = -EBADF, to = -EBADF;
        char answer[ANSWER_MAX];
        int fds[2], r;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to create a pipe");
        from = fds[0];
        to = fds[1];
        r = process_spawn(argv, NULL, 0, to, 0, &pid);
        if (r < 0)
                return r;
        to = fd_close(to);
        r = file_read_pipe(from, answer, sizeof(answer), PATIENCE_MS);
        if (r < 0)
                (void) kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        if (r >= 0 || r == -EFBIG)
                r = qemu_version_parse(answer, ret);
        if (r >= 0)
                return 0;
        log_errno(LOG_WARNING, r, "Cannot determine the version of %s", program);
        return -ENODATA;
}
