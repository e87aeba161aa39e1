/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl console: connects the terminal to the guest's serial console until Ctrl-]. The output still goes to
 * the journal, too.
 *
 * The socket's directory belongs to the guest's user, so a compromised QEMU may have replaced it, above all
 * with a symbolic link to a socket that only the caller may use. So only a socket in that very directory,
 * owned by the directory's owner, is accepted.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "util/file.h"
#include "util/unit-name.h"
#include "util/user-directory.h"

#define ESCAPE_KEY 0x1d /* Ctrl-], as virsh and telnet have it */

/* Opens "console" in the directory with O_PATH; -ENOTSOCK if it is another kind of file or has another
 * owner. */
static int find_socket(const char *path)
{
        _cleanup_(closep) int directory = -EBADF, fd = -EBADF;
        struct stat owner, st;

        directory = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (directory < 0 || fstat(directory, &owner) < 0)
                return -errno;
        fd = openat(directory, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        return S_ISSOCK(st.st_mode) && st.st_uid == owner.st_uid ? TAKE_FD(fd) : -ENOTSOCK;
}

static int connect_in(const char *directory)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(closep) int found = find_socket(directory), fd = -EBADF;

        if (found < 0)
                return found;
        snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", found);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

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

static int talk(int fd, bool keys)
{
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };
        bool escape = false;

        for (;;) {
                if (poll(fds, ELEMENTS(fds), -1) < 0 && errno != EINTR)
                        return -errno;
                if (fds[0].revents) {
                        ssize_t n = copy(fd, STDOUT_FILENO, false, NULL);

                        if (n <= 0)
                                return n == -ECONNRESET ? 0 : (int) n;
                }
                if (fds[1].revents) {
                        ssize_t n = copy(STDIN_FILENO, fd, keys, &escape);

                        if (escape)
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
        bool user_scope = call->user_scope;
        const char *guest = call->words[0];
        _cleanup_(freep) char *path = NULL, *name = NULL, *unit = NULL, *at = NULL;
        _cleanup_(freep) char *run = user_scope ? user_directory(USER_RUN) : strdup("/run");
        _cleanup_(closep) int fd = -EBADF;
        struct termios before, raw;
        bool terminal;
        int r;

        if (strchr(guest, '/'))
                return fail(EXIT_BAD_USAGE, "console requires a guest's name");
        r = resolve_guest(user_scope, guest, &path, &name);
        if (r != 0)
                return r;
        if (!guest_name_is_valid(guest))
                return fail(EXIT_BAD_USAGE, "\"%s\" is not a valid guest name", guest);
        at = text_format("%s/vm/%s", run ?: "/run", guest);
        if (!at || unit_name_for_guest(guest, &unit) < 0)
                return fail(EXIT_OS, "out of memory");
        fd = connect_in(at);
        if (fd == -ENOENT || fd == -ECONNREFUSED)
                return fail(
                        EXIT_MISSING,
                        "guest %s is not running, or has no serial console; to start it: %s start '%s'",
                        guest, systemctl_of(user_scope), unit);
        if (fd == -ENOTSOCK)
                return fail(
                        EXIT_POLICY,
                        "refusing to connect to %s/console: it is not the socket that the guest's launcher "
                        "created",
                        at);
        if (fd < 0)
                return fail(
                        fd == -EACCES ? EXIT_POLICY : EXIT_OS, "cannot connect to %s/console: %s", at,
                        strerror(-fd));

        terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) >= 0;
        if (terminal) {
                fprintf(stderr, "Connected to guest %s. Press Ctrl-] to disconnect.\n", guest);
                raw = before;
                cfmakeraw(&raw);
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
        }
        r = talk(fd, terminal);
        if (terminal) {
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
                fputc('\n', stderr);
        }
        return r < 0 ? fail(EXIT_OS, "%s", strerror(-r)) : EXIT_SUCCESS;
}
