/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl console: connects the terminal to the guest's serial console until Ctrl-], or until the guest ends.
 * The output still goes to the journal, too.
 */

#include <errno.h>
#include <poll.h>
#include <termios.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "util/file.h"

#define ESCAPE_KEY 0x1d /* Ctrl-], as virsh and telnet have it */

/* Copies what is available; 0 at the end, negative errno, or the number of bytes. */
static ssize_t copy(int from, int to, bool keys, bool *ret_escape)
{
        char buffer[4096];
        ssize_t n = read(from, buffer, sizeof(buffer));
        char *escape;
        int r;

        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 1 : -errno;
        escape = keys ? memchr(buffer, ESCAPE_KEY, (size_t) n) : NULL;
        if (escape) {
                *ret_escape = true;
                n = escape - buffer;
        }
        r = file_write_all(to, buffer, (size_t) n);
        return r < 0 ? r : n;
}

/* 0 at the end of the connection, or where *ret_escape is set; else negative errno. */
static int talk(int fd, bool keys, bool *ret_escape)
{
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };

        for (;;) {
                if (poll(fds, ELEMENTS(fds), -1) < 0 && errno != EINTR)
                        return -errno;
                if (fds[0].revents) {
                        ssize_t n = copy(fd, STDOUT_FILENO, false, NULL);

                        if (n <= 0)
                                return n == -ECONNRESET ? 0 : (int) n;
                }
                if (fds[1].revents) {
                        ssize_t n = copy(STDIN_FILENO, fd, keys, ret_escape);

                        if (*ret_escape)
                                return 0;
                        if (n < 0)
                                return (int) n;
                        /* end of a pipe: keep showing the guest's output until it ends */
                        if (n == 0)
                                fds[1].fd = -1;
                }
        }
}

int verb_console(const Call *call)
{
        const char *guest = call->words[0];
        _cleanup_(closep) int fd = -EBADF;
        struct termios before, raw;
        bool terminal, escape = false;
        int r;

        r = connect_to_guest(call, "console", "is not running, or has no serial console", &fd);
        if (r != 0)
                return r;
        terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) >= 0;
        if (terminal) {
                fprintf(stderr, "Connected to guest %s. Press Ctrl-] to disconnect.\n", guest);
                raw = before;
                cfmakeraw(&raw);
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
        }
        r = talk(fd, terminal, &escape);
        if (terminal) {
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
                fputc('\n', stderr);
        }
        if (r < 0)
                return fail(EXIT_OS, "%s", strerror(-r));
        if (escape) {
                fprintf(stderr, "Disconnected from guest %s, which keeps running.\n", guest);
                return EXIT_SUCCESS;
        }
        return fail(EXIT_MISSING, "guest %s has ended", guest);
}
