/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU's monitor and Varlink are both JSON objects on a stream, each ended by one byte. The peer is
 * not trusted: the size of its messages and of unread output is limited, and a peer that breaks the rules is
 * disconnected.
 *
 * A channel is closed only in its own event handlers, so that it never disappears during a callback.
 */

#include "launcher/stream/channel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "launcher/stream/frames.h"

#define CHANNEL_INTEGER_DIGITS 18 /* so many always fit into 64 bits */

struct Channel {
        const ChannelKind *kind;
        void *userdata;
        sd_event_source *source;
        int fd;
        Frames frames;
        char *output;
        size_t output_size;
        bool closed;
};

/* Puts quotes around integers that may be too long. If text is not valid JSON, neither is the result. */
static char *quote_long_integers(const char *text, size_t size)
{
        char *out = malloc(2 * size + 1), *p = out;
        bool in_string = false;

        if (!out)
                return NULL;
        for (size_t i = 0; i < size;) {
                size_t n = strspn(text + i, "0123456789");

                if (!in_string && n > CHANNEL_INTEGER_DIGITS && !strchr(".eE", text[i + n] ?: ' ')) {
                        *p++ = '"';
                        p = (char *) memcpy(p, text + i, n) + n;
                        *p++ = '"';
                        i += n;
                        continue;
                }
                n = n > 0 ? n : in_string && text[i] == '\\' && i + 1 < size ? 2 : 1;
                if (n == 1 && text[i] == '"')
                        in_string = !in_string;
                p = (char *) memcpy(p, text + i, n) + n;
                i += n;
        }
        *p = '\0';
        return out;
}

json_t *channel_parse(const char *text, size_t size)
{
        _cleanup_(freep) char *quoted = NULL;
        json_t *message;

        message = json_loadb(text, size, 0, NULL);
        if (!message && strlen(text) == size) {
                quoted = quote_long_integers(text, size);
                message = quoted ? json_loads(quoted, 0, NULL) : NULL;
        }
        if (json_is_object(message))
                return message;
        json_decref(message);
        return NULL;
}

static void channel_close(Channel *c, int error)
{
        if (c->closed)
                return;
        c->closed = true;
        (void) sd_event_source_set_enabled(c->source, SD_EVENT_OFF);
        c->kind->closed(c, error, c->userdata);
}

static int channel_flush(Channel *c)
{
        size_t sent = 0;
        int r = 0;

        while (sent < c->output_size) {
                ssize_t n =
                        send(c->fd, c->output + sent, c->output_size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        r = errno == EAGAIN ? 0 : -errno;
                        break;
                }
                sent += (size_t) n;
        }
        if (sent > 0) {
                memmove(c->output, c->output + sent, c->output_size - sent);
                c->output_size -= sent;
        }
        if (r < 0)
                return r;
        return sd_event_source_set_io_events(c->source, EPOLLIN | (c->output_size > 0 ? EPOLLOUT : 0));
}

static int channel_deliver(Channel *c)
{
        char *text;
        size_t size;

        while (!c->closed && frames_next(&c->frames, &text, &size)) {
                _cleanup_(json_decrefp) json_t *message = NULL;
                int r;

                if (size > c->kind->input_max)
                        return -EMSGSIZE;
                message = channel_parse(text, size);
                if (!message)
                        return -EBADMSG;
                r = c->kind->message(c, message, c->userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* 1, or 0 if the peer is gone. */
static int channel_read(Channel *c)
{
        char *room;
        size_t size;
        ssize_t n;
        int r;

        r = frames_prepare(&c->frames, &room, &size);
        if (r < 0)
                return r;
        n = recv(c->fd, room, size, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 1;
        if (n == 0 || (n < 0 && errno == ECONNRESET)) /* the latter if it closed with unread data */
                return 0;
        if (n < 0)
                return -errno;
        frames_received(&c->frames, (size_t) n);
        r = channel_deliver(c);
        return r < 0 ? r : 1;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Channel *c = userdata;
        int r = 1;

        if (revents & EPOLLOUT) {
                r = channel_flush(c);
                if (r < 0) {
                        channel_close(c, r);
                        return 0;
                }
        }
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                r = channel_read(c);
                if (r <= 0)
                        channel_close(c, r);
        }
        return 0;
}

int channel_new(sd_event *event, int fd, const ChannelKind *kind, void *userdata, Channel **ret)
{
        _cleanup_(channel_freep) Channel *c = calloc(1, sizeof(*c));
        int r;

        if (!c) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        *c = (Channel){ .kind = kind,
                        .userdata = userdata,
                        .fd = fd,
                        .frames = { .end = kind->end, .max = kind->input_max } };
        r = sd_event_add_io(event, &c->source, fd, EPOLLIN, on_io, c);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

Channel *channel_free(Channel *c)
{
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->source);
        frames_done(&c->frames);
        free(c->output);
        (void) fd_close(c->fd);
        free(c);
        return NULL;
}

/* The descriptor is sent with the first byte of its message, so no older output may be waiting. */
static int send_fd(Channel *c, const char *text, int fd)
{
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int))];
        } control = { .header = { .cmsg_level = SOL_SOCKET,
                                  .cmsg_type = SCM_RIGHTS,
                                  .cmsg_len = CMSG_LEN(sizeof(int)) } };
        struct iovec iov = { .iov_base = (char *) text, .iov_len = 1 };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };

        if (c->output_size > 0)
                return -EBUSY;
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        return sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int channel_send(Channel *c, const json_t *message, int fd)
{
        _cleanup_(freep) char *text = json_dumps(message, JSON_COMPACT | JSON_ENSURE_ASCII);
        size_t size, offset = 0;
        char *bigger;
        int r;

        if (!text)
                return -ENOMEM;
        if (c->closed)
                return -ENOTCONN;
        size = strlen(text);
        text[size++] = c->kind->end;
        if (size > c->kind->output_max - c->output_size)
                return -ENOBUFS;
        if (fd >= 0) {
                r = send_fd(c, text, fd);
                if (r < 0)
                        return r;
                offset = 1;
        }
        bigger = realloc(c->output, c->output_size + size);
        if (!bigger)
                return -ENOMEM;
        c->output = bigger;
        memcpy(c->output + c->output_size, text + offset, size - offset);
        c->output_size += size - offset;
        return channel_flush(c);
}

int channel_get_fd(const Channel *c)
{
        return c->fd;
}
