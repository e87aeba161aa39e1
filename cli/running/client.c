/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launcher's control socket speaks Varlink; calls and replies need no library. The launcher runs as the
 * guest's user, so what it says is not trusted: its length is limited, and it is made safe to print.
 */

#include "cli/running/client.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "contract/exit.h"
#include "contract/limits.h"
#include "util/file.h"
#include "util/text.h"

#define PIECE            65536U
#define ANSWER_SECONDS   60U
#define PATIENCE_SECONDS 2 /* before progress is shown */

int client_open(const Call *call, Client *ret)
{
        int r;

        *ret = CLIENT_EMPTY;
        ret->call = call;
        ret->guest = call->words[0];
        ret->end = '\0';
        r = connect_to_guest(call, "control", "is not running", &ret->fd);
        return r;
}

void client_done(Client *c)
{
        free(c->data);
        c->fd = fd_close(c->fd);
        c->data = NULL;
}

int client_send_object(Client *c, const json_t *object, ClientFds fds)
{
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
        } control = { 0 };
        _cleanup_(freep) char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
        struct iovec iov;
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        size_t size;
        ssize_t n;

        if (!text || fds.count > CHANNEL_FDS_MAX)
                return -ENOMEM;
        size = strlen(text) + 1;
        text[size - 1] = c->end;
        iov = (struct iovec){ .iov_base = text, .iov_len = size };
        if (fds.count > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(sizeof(int) * fds.count);
                control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                                   .cmsg_type = SCM_RIGHTS,
                                                   .cmsg_len = CMSG_LEN(sizeof(int) * fds.count) };
                memcpy(CMSG_DATA(&control.header), fds.fds, sizeof(int) * fds.count);
        }
        do
                n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : file_write_all(c->fd, text + n, size - (size_t) n);
}

int client_send(Client *c, const char *method, json_t *parameters, ClientFlags flags, ClientFds fds)
{
        json_t *call = json_pack("{s:s, s:o}", "method", method, "parameters", parameters ?: json_object());
        int r;

        if (call && (flags & CLIENT_MORE))
                (void) json_object_set_new(call, "more", json_true());
        if (call && (flags & CLIENT_UPGRADE))
                (void) json_object_set_new(call, "upgrade", json_true());
        r = client_send_object(c, call, fds);
        json_decref(call);
        return r;
}

/* Waits until there is something to read; milliseconds: -1 for no limit. */
static int wait_for_data(int fd, int milliseconds)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int n = poll(&p, 1, milliseconds);

        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        return n == 0 ? -ETIMEDOUT : 0;
}

static int read_more(Client *c)
{
        char *bigger;
        ssize_t n;

        if (c->size > MONITOR_MESSAGE_MAX)
                return -EMSGSIZE;
        bigger = realloc(c->data, c->size + PIECE);
        if (!bigger)
                return -ENOMEM;
        c->data = bigger;
        n = recv(c->fd, c->data + c->size, PIECE, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        c->size += (size_t) n;
        return 0;
}

int client_receive(Client *c, unsigned seconds, json_t **ret)
{
        time_t end = time(NULL) + seconds;
        char *message_end;
        int r = 0;

        if (c->taken > 0) {
                memmove(c->data, c->data + c->taken, c->size - c->taken);
                c->size -= c->taken;
                c->taken = 0;
        }
        while (!(message_end = c->size > 0 ? memchr(c->data, c->end, c->size) : NULL)) {
                time_t now = time(NULL);

                if (seconds > 0 && now > end)
                        return -ETIMEDOUT;
                r = wait_for_data(c->fd, seconds > 0 ? (int) (end - now + 1) * 1000 : -1);
                if (r >= 0)
                        r = read_more(c);
                if (r < 0)
                        return r;
        }
        c->taken = (size_t) (message_end - c->data) + 1;
        *ret = json_loadb(c->data, c->taken - 1, 0, NULL);
        if (json_is_object(*ret))
                return 0;
        json_decref(*ret);
        *ret = NULL;
        return -EBADMSG;
}

char *client_text(const char *text)
{
        char *copy = strdup(text);

        if (copy)
                text_make_printable(copy);
        return copy;
}

int client_check(const Client *c, const char *what, int r, const json_t *answer)
{
        const char *error = json_string_value(json_object_get(answer, "error")), *reason;
        _cleanup_(freep) char *shown = NULL;
        bool missing;

        if (r < 0)
                return fail(EXIT_OS, "guest %s did not answer: %s", c->guest, strerror(-r));
        if (!error)
                return 0;
        reason = json_string_value(json_object_get(json_object_get(answer, "parameters"), "reason"));
        if (text_ends_with(error, ".PermissionDenied"))
                return fail(EXIT_POLICY, "cannot %s guest %s: only root may do that", what, c->guest);
        shown = client_text(reason ?: error);
        missing = text_ends_with(error, ".NotConnected") || streq(error, "org.vmunit.Guest.NotSupported");
        return fail(
                missing ? EXIT_MISSING : EXIT_OS, "cannot %s guest %s: %s", what, c->guest,
                shown ?: "out of memory");
}

int client_call(
        Client *c, const char *what, const char *method, json_t *parameters, ClientFds fds, json_t **ret)
{
        json_t *answer = NULL;
        int r;

        r = client_send(c, method, parameters, 0, fds);
        if (r >= 0)
                r = client_receive(c, ANSWER_SECONDS, &answer);
        r = client_check(c, what, r, answer);
        if (r == 0 && ret)
                *ret = json_incref(json_object_get(answer, "parameters"));
        json_decref(answer);
        return r;
}

void client_show_progress(Progress *p, double done, double total)
{
        if (p->begun == 0)
                p->begun = time(NULL);
        if (!isatty(STDERR_FILENO) || time(NULL) < p->begun + PATIENCE_SECONDS || total <= 0)
                return;
        fprintf(stderr, "\r%3.0f %% of %.0f MiB", done * 100 / total, total / (1024 * 1024));
        (void) fflush(stderr);
        p->shown = true;
}

void client_end_progress(Progress *p)
{
        if (p->shown)
                fputc('\n', stderr);
        p->shown = false;
}

int client_follow(Client *c, const char *what, int r)
{
        Progress progress = { .begun = time(NULL) };
        bool continues = true;

        while (continues) {
                json_t *answer = NULL, *p;

                if (r >= 0)
                        r = client_receive(c, 0, &answer);
                continues = r >= 0 && json_is_true(json_object_get(answer, "continues"));
                p = json_object_get(answer, "parameters");
                if (continues)
                        client_show_progress(
                                &progress, (double) json_integer_value(json_object_get(p, "completed")),
                                (double) json_integer_value(json_object_get(p, "total")));
                else {
                        client_end_progress(&progress);
                        r = client_check(c, what, r, answer);
                }
                json_decref(answer);
        }
        return r;
}

int client_query(const Call *call, json_t *parameters, json_t **ret)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        int r;

        *ret = NULL;
        r = client_open(call, &c);
        if (r == 0)
                return client_call(&c, "query", "org.vmunit.Guest.Query", parameters, (ClientFds){ 0 }, ret);
        json_decref(parameters);
        return r;
}

json_t *client_parse_object(const char *text)
{
        json_error_t error;
        json_t *json = json_loads(text, 0, &error);

        if (json_is_object(json))
                return json;
        if (json)
                fail(EXIT_BAD_USAGE, "expected a JSON object: %s", text);
        else
                fail(EXIT_BAD_USAGE, "expected a JSON object: %s", error.text);
        json_decref(json);
        return NULL;
}

int client_print(const json_t *json)
{
        if (json_dumpf(json, stdout, JSON_INDENT(1) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII) < 0)
                return fail(EXIT_OS, "cannot write JSON");
        putchar('\n');
        return EXIT_SUCCESS;
}
