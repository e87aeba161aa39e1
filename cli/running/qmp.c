/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl qmp: one command for QEMU's monitor, or a monitor of one's own on standard input and output, as
 * programs that speak QMP want it.
 */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "cli/running/client.h"
#include "contract/exit.h"
#include "util/file.h"
#include "util/text.h"

#define ANSWER_SECONDS 60U

static int acquire(const Call *call, Client *ret)
{
        json_t *answer = NULL;
        int r;

        r = client_open(call, ret);
        if (r != 0)
                return r;
        r = client_send(
                ret, "io.systemd.QemuMachineInstance.AcquireQMP", NULL, CLIENT_UPGRADE, (ClientFds){ 0 });
        if (r >= 0)
                r = client_receive(ret, ANSWER_SECONDS, &answer);
        r = client_check(ret, "open the monitor of", r, answer);
        json_decref(answer);
        ret->end = '\n';
        return r;
}

/* Sends a command, which is taken over, and receives the answer to it, without the events in between. */
static int execute(Client *c, json_t *command, json_t **ret)
{
        _cleanup_(freep) char *text = command ? json_dumps(command, JSON_COMPACT) : NULL;
        int r;

        json_decref(command);
        if (!text)
                return -ENOMEM;
        r = file_write_all(c->fd, text, strlen(text));
        if (r >= 0)
                r = file_write_all(c->fd, "\n", 1);
        while (r >= 0) {
                r = client_receive(c, ANSWER_SECONDS, ret);
                if (r >= 0 && (json_object_get(*ret, "return") || json_object_get(*ret, "error")))
                        return 0;
                json_decref(*ret);
                *ret = NULL;
        }
        return r;
}

static int one_command(Client *c, const char *name, json_t *arguments)
{
        const char *text;
        json_t *answer = NULL;
        int r;

        r = execute(c, json_pack("{s:s}", "execute", "qmp_capabilities"), &answer);
        json_decref(answer);
        answer = NULL;
        if (r >= 0)
                r = execute(c, json_pack("{s:s, s:O*}", "execute", name, "arguments", arguments), &answer);
        if (r < 0)
                return fail(EXIT_OS, "guest %s did not answer: %s", c->guest, strerror(-r));
        text = json_string_value(json_object_get(json_object_get(answer, "error"), "desc"));
        if (json_object_get(answer, "error")) {
                _cleanup_(freep) char *shown = client_text(text ?: "");

                r = fail(EXIT_OS, "QEMU failed to execute %s: %s", name, shown ?: "");
        } else
                r = client_print(json_object_get(answer, "return"));
        json_decref(answer);
        return r;
}

/* One chunk; 0 at the end, else 1 or negative errno. */
static int copy(int from, int to)
{
        char buffer[4096];
        ssize_t n = read(from, buffer, sizeof(buffer));

        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 1 : -errno;
        if (n == 0)
                return 0;
        n = file_write_all(to, buffer, (size_t) n);
        return n < 0 ? (int) n : 1;
}

/* Until QEMU's end closes, which it does when all commands are answered after the end of the input. */
static int talk(int fd)
{
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };

        for (;;) {
                int r = 1;

                if (poll(fds, ELEMENTS(fds), -1) < 0 && errno != EINTR)
                        return -errno;
                if (fds[0].revents) {
                        r = copy(fd, STDOUT_FILENO);
                        if (r <= 0)
                                return r == -ECONNRESET ? 0 : r;
                }
                if (fds[1].revents) {
                        r = copy(STDIN_FILENO, fd);
                        if (r < 0)
                                return r == -EPIPE ? 0 : r;
                        if (r == 0) {
                                (void) shutdown(fd, SHUT_WR);
                                fds[1].fd = -1;
                        }
                }
        }
}

int verb_qmp(const Call *call)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        json_t *arguments = NULL;
        int r;

        if (call->n_words > 2) {
                arguments = client_parse_object(call->words[2]);
                if (!arguments)
                        return EXIT_BAD_USAGE;
        }
        r = acquire(call, &c);
        if (r == 0 && call->n_words > 1)
                r = one_command(&c, call->words[1], arguments);
        else if (r == 0) {
                r = file_write_all(STDOUT_FILENO, c.data + c.taken, c.size - c.taken);
                if (r >= 0)
                        r = talk(c.fd);
                r = r < 0 ? fail(EXIT_OS, "%s", strerror(-r)) : EXIT_SUCCESS;
        }
        json_decref(arguments);
        return r;
}
