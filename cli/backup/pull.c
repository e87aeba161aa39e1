/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How long QEMU serves a pull: while a command runs, or until a line on standard input says that the copy is
 * complete. Whatever else ends it, such as Ctrl-C, means that the copy is of no use, and its checkpoint is
 * dropped. Signals are blocked from the beginning, so that none of them ends this in between.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "cli/backup/pull.h"
#include "contract/exit.h"
#include "util/ownership.h"

#define CHECK_MSEC 1000

static void make_signals(sigset_t *ret)
{
        (void) sigemptyset(ret);
        (void) sigaddset(ret, SIGINT);
        (void) sigaddset(ret, SIGTERM);
        (void) sigaddset(ret, SIGHUP);
        (void) sigaddset(ret, SIGCHLD);
}

void pull_block_signals(void)
{
        sigset_t signals;

        make_signals(&signals);
        (void) sigprocmask(SIG_BLOCK, &signals, NULL);
}

static pid_t start(char **command)
{
        pid_t pid = fork();
        sigset_t none;

        if (pid != 0)
                return pid;
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) execvp(command[0], command);
        fail(EXIT_MISSING, "cannot run %s: %s", command[0], strerror(errno));
        _exit(127);
}

/* Whether the command has ended, and how. */
static bool has_ended(pid_t child, int *ret)
{
        int status;

        if (child <= 0 || waitpid(child, &status, WNOHANG) != child)
                return false;
        *ret = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return true;
}

static int say_ended(const char *command, int status)
{
        return status == 0 ? 0 : fail(EXIT_OS, "%s failed (exit status %d)", command, status);
}

/* 0 if a line came, 1 if there is none yet, or the exit status. */
static int read_line(void)
{
        char text[256];
        ssize_t n = read(STDIN_FILENO, text, sizeof(text));

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return 1;
        if (n <= 0)
                return fail(EXIT_OS, "standard input ended before the copy was complete");
        return memchr(text, '\n', (size_t) n) ? 0 : 1;
}

static int wait_for_end(Backup *b, int signals, char **command, pid_t child)
{
        struct pollfd fds[] = { { .fd = signals, .events = POLLIN },
                                { .fd = child > 0 ? -1 : STDIN_FILENO, .events = POLLIN } };
        struct signalfd_siginfo info;
        int status, r;

        for (;;) {
                r = poll(fds, ELEMENTS(fds), CHECK_MSEC);
                if (r < 0)
                        return fail(EXIT_OS, "cannot wait: %s", strerror(errno));
                if (r == 0 && backup_check_pull(b) < 0)
                        return fail(EXIT_OS, "%s", backup_why(b));
                if (fds[0].revents && read(signals, &info, sizeof(info)) == sizeof(info) &&
                    info.ssi_signo != SIGCHLD)
                        return fail(EXIT_OS, "interrupted; the copy is not complete");
                if (has_ended(child, &status))
                        return say_ended(command[0], status);
                r = fds[1].revents ? read_line() : 1;
                if (r != 1)
                        return r;
        }
}

static void end_child(pid_t child)
{
        if (child <= 0 || waitpid(child, NULL, WNOHANG) != 0)
                return;
        (void) kill(child, SIGTERM);
        (void) waitpid(child, NULL, 0);
}

int pull_wait(Backup *b, char **command)
{
        _cleanup_(closep) int fd = -EBADF;
        sigset_t signals;
        pid_t child = 0;
        int r;

        make_signals(&signals);
        fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return fail(EXIT_OS, "cannot wait for signals: %s", strerror(errno));
        (void) fflush(stdout);
        if (*command) {
                child = start(command);
                if (child < 0)
                        return fail(EXIT_OS, "cannot run %s: %s", *command, strerror(errno));
        } else if (isatty(STDIN_FILENO))
                fputs("Press Enter when the copy is complete; Ctrl-C abandons it.\n", stderr);
        r = wait_for_end(b, fd, command, child);
        end_child(child);
        return r;
}
