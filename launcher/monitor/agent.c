/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest agent speaks one JSON object a line over a port of the guest, without ids: an answer that comes
 * late would be taken for the next one. So each command is preceded by guest-sync-delimited with a number of
 * its own, and whatever comes before the answer to that is dropped.
 *
 * QEMU listens on a socket for the port and accepts one client. The connection is made for a command and
 * closed when no other waits, so that other programs can be clients, too.
 *
 * Nothing says whether an agent runs, or whether QEMU has another client: both just do not answer. The guest
 * is not trusted: the size of an answer is limited.
 */

#include "launcher/monitor/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "contract/limits.h"
#include "launcher/stream/channel.h"
#include "launcher/stream/frames.h"
#include "util/text.h"

#define SYNC_SECONDS 5U
#define SECOND       UINT64_C(1000000)
#define DELIMITER    '\xff'

typedef enum AgentState {
        AGENT_IDLE,
        AGENT_SYNC,    /* guest-sync-delimited was sent */
        AGENT_COMMAND, /* the first request was sent */
} AgentState;

typedef struct Request {
        struct Request *next;
        char *text;
        bool silent; /* the agent answers only if it fails */
        unsigned seconds;
        AgentReply reply;
        void *userdata;
} Request;

struct Agent {
        sd_event *event;
        sd_event_source *io, *timer;
        char *directory;
        int fd;
        AgentState state;
        Frames frames;
        char *output; /* not yet sent */
        size_t output_size;
        json_int_t sync_id;
        Request *requests;
        unsigned n_requests;
};

/* Those after which the agent, or its guest, is gone. */
static bool is_silent(const char *command)
{
        return streq(command, "guest-shutdown") || text_after(command, "guest-suspend-");
}

static void arm(Agent *a, uint64_t usec)
{
        (void) sd_event_source_set_time_relative(a->timer, usec);
        (void) sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
}

static void disconnect(Agent *a)
{
        a->io = sd_event_source_disable_unref(a->io);
        a->fd = fd_close(a->fd);
        frames_done(&a->frames);
        free(a->output);
        a->output = NULL;
        a->output_size = 0;
}

static void request_free(Request *q)
{
        free(q->text);
        free(q);
}

/* The first request is done. */
static void finish(Agent *a, const json_t *result, const char *error)
{
        Request *q = a->requests;

        a->requests = q->next;
        a->n_requests--;
        a->state = AGENT_IDLE;
        if (error || !a->requests)
                disconnect(a);
        (void) sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
        if (a->requests)
                arm(a, 0);
        if (q->reply)
                q->reply(result, error, q->userdata);
        request_free(q);
}

static int flush(Agent *a)
{
        while (a->output_size > 0) {
                ssize_t n = send(a->fd, a->output, a->output_size, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        break;
                if (n < 0)
                        return -errno;
                memmove(a->output, a->output + n, a->output_size - (size_t) n);
                a->output_size -= (size_t) n;
        }
        return sd_event_source_set_io_events(a->io, EPOLLIN | (a->output_size > 0 ? EPOLLOUT : 0));
}

/* Takes the text. */
static int send_text(Agent *a, char *text)
{
        if (!text)
                return -ENOMEM;
        free(a->output);
        a->output = text;
        a->output_size = strlen(text);
        return flush(a);
}

static int send_sync(Agent *a)
{
        a->state = AGENT_SYNC;
        a->sync_id++;

        /* the byte ends whatever an earlier client left unfinished */
        return send_text(
                a, text_format(
                           "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%lld}}\n",
                           (long long) a->sync_id));
}

static int send_command(Agent *a)
{
        Request *q = a->requests;

        a->state = AGENT_COMMAND;
        arm(a, q->seconds * SECOND);
        return send_text(a, TAKE_PTR(q->text));
}

static int take_line(Agent *a, const char *text, size_t size)
{
        const char *start = memrchr(text, DELIMITER, size);
        json_t *message;
        const json_t *result, *error;
        int r = 0;

        if (start) {
                size -= (size_t) (start + 1 - text);
                text = start + 1;
        } else if (a->state == AGENT_SYNC)
                return 0;
        message = channel_parse(text, size);
        result = json_object_get(message, "return");
        error = json_object_get(message, "error");
        if (a->state == AGENT_SYNC) {
                if (json_is_integer(result) && json_integer_value(result) == a->sync_id)
                        r = send_command(a);
        } else if (a->state == AGENT_COMMAND && (result || error)) {
                if (result)
                        finish(a, result, NULL);
                else
                        finish(a, NULL,
                               json_string_value(json_object_get(error, "desc")) ?: "no reason given");
        }
        json_decref(message);
        return r;
}

static int take_input(Agent *a)
{
        char *room, *text;
        size_t size;
        ssize_t n;
        int r;

        r = frames_prepare(&a->frames, &room, &size);
        if (r < 0)
                return r;
        n = recv(a->fd, room, size, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        frames_received(&a->frames, (size_t) n);
        while (r >= 0 && a->fd >= 0 && frames_next(&a->frames, &text, &size))
                r = take_line(a, text, size);
        return r;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Agent *a = userdata;
        int r = 0;

        if (revents & EPOLLOUT)
                r = flush(a);
        if (r >= 0 && (revents & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                r = take_input(a);
        if (r >= 0)
                return 0;
        if (a->state == AGENT_COMMAND && a->requests->silent && r == -ECONNRESET)
                finish(a, json_true(), NULL);
        else if (a->state != AGENT_IDLE)
                finish(a, NULL,
                       r == -EMSGSIZE ? "the agent's answer is too long" : "QEMU closed the connection");
        else
                disconnect(a);
        return 0;
}

static int connect_to_socket(Agent *a)
{
        _cleanup_(closep) int directory = open(a->directory, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int r;

        if (directory < 0)
                return -errno;
        (void) snprintf(
                address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", directory, AGENT_SOCKET);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        r = sd_event_add_io(a->event, &a->io, fd, EPOLLIN, on_io, a);
        if (r < 0)
                return r;
        a->fd = TAKE_FD(fd);
        a->frames = (Frames){ .end = '\n', .max = AGENT_MESSAGE_MAX };
        return 0;
}

static void begin(Agent *a)
{
        unsigned seconds = a->requests->seconds < SYNC_SECONDS ? a->requests->seconds : SYNC_SECONDS;
        int r = a->fd < 0 ? connect_to_socket(a) : 0;

        if (r >= 0)
                r = send_sync(a);
        if (r < 0)
                finish(a, NULL,
                       r == -EAGAIN ? "too many clients wait for the agent's socket"
                                    : "cannot connect to the socket of the agent's channel");
        else
                arm(a, seconds * SECOND);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Agent *a = userdata;

        if (a->state == AGENT_IDLE)
                begin(a);
        else if (a->state == AGENT_SYNC)
                finish(a, NULL, "no guest agent answers: none runs, or another program is its client");
        else if (a->requests->silent)
                finish(a, json_true(), NULL);
        else
                finish(a, NULL, "the guest agent did not answer in time");
        return 0;
}

int agent_execute(
        Agent *a, const char *command, json_t *arguments, unsigned seconds, AgentReply reply, void *userdata)
{
        _cleanup_(json_decrefp)
                json_t *taken = arguments,
                       *message = json_pack("{s:s, s:O*}", "execute", command, "arguments", taken);
        Request *q, **last = &a->requests;
        char *text;

        if (a->n_requests >= AGENT_REQUESTS_MAX)
                return -EBUSY;
        text = message ? json_dumps(message, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
        q = calloc(1, sizeof(*q));
        if (!text || !q) {
                free(text);
                free(q);
                return -ENOMEM;
        }
        *q = (Request){
                .silent = is_silent(command), .seconds = seconds, .reply = reply, .userdata = userdata
        };
        q->text = text_format("%s\n", text);
        free(text);
        if (!q->text) {
                free(q);
                return -ENOMEM;
        }
        while (*last)
                last = &(*last)->next;
        *last = q;
        a->n_requests++;
        if (a->requests == q)
                arm(a, 0);
        return 0;
}

void agent_forget(Agent *a, const void *userdata)
{
        for (Request *q = a->requests; q; q = q->next)
                if (q->userdata == userdata)
                        q->reply = NULL;
}

int agent_new(sd_event *event, const char *directory, Agent **ret)
{
        _cleanup_(agent_freep) Agent *a = calloc(1, sizeof(*a));
        int r;

        if (!a)
                return -ENOMEM;
        *a = (Agent){ .event = sd_event_ref(event), .fd = -EBADF, .directory = strdup(directory) };
        if (!a->directory)
                return -ENOMEM;
        r = sd_event_add_time_relative(event, &a->timer, CLOCK_MONOTONIC, 0, SECOND / 100, on_timer, a);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

Agent *agent_free(Agent *a)
{
        if (!a)
                return NULL;
        disconnect(a);
        while (a->requests) {
                Request *q = a->requests;

                a->requests = q->next;
                request_free(q);
        }
        sd_event_source_disable_unref(a->timer);
        sd_event_unref(a->event);
        free(a->directory);
        free(a);
        return NULL;
}

char *agent_find_chardev(char *const *argv)
{
        for (; *argv && argv[1]; argv++) {
                json_t *device = streq(*argv, "-device") ? channel_parse(argv[1], strlen(argv[1])) : NULL;
                const char *chardev = json_string_value(json_object_get(device, "chardev"));
                char *found =
                        chardev && streq_null(json_string_value(json_object_get(device, "name")), AGENT_PORT)
                                ? strdup(chardev)
                                : NULL;

                json_decref(device);
                if (found)
                        return found;
        }
        return NULL;
}
