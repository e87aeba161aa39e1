/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU's monitor and Varlink are both JSON objects on a stream, each ended by one byte. The peer is
 * not trusted: the size of its messages and of unread output is limited, and a peer that breaks the rules is
 * disconnected.
 *
 * A channel is closed only in its own event handlers, so that it never disappears during a callback.
 *
 * Descriptors belong to the message whose bytes they arrive with. The kernel delivers them with the first
 * byte that they were sent with, and ends a read behind those bytes, but may put bytes sent earlier before
 * them. So where descriptors are accepted, a read never goes beyond the end of a message: the data is looked
 * at first. What a peer sends while its message is being worked on stays in the socket, and so does what it
 * sends before it has read the replies: the kernel's buffer is the queue, and its size the limit.
 */

#include "launcher/stream/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "contract/limits.h"
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
        int sent[CHANNEL_FDS_MAX]; /* to go with the first byte of the output */
        size_t n_sent;
        int received[CHANNEL_FDS_MAX]; /* with the message that is being read */
        size_t n_received;
        bool held, closed;
        int failure;
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

static void close_all(int *fds, size_t *n)
{
        while (*n > 0)
                (void) fd_close(fds[--*n]);
}

static int update_events(Channel *c)
{
        bool reads = c->kind->fds_max == 0 || (!c->held && c->output_size == 0);

        return sd_event_source_set_io_events(
                c->source, (reads ? EPOLLIN : 0) | (c->output_size > 0 ? EPOLLOUT : 0));
}

/* Bytes sent, or negative errno. Descriptors go with the first byte. */
static ssize_t send_some(Channel *c, const char *data, size_t size)
{
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
        } control = { 0 };
        struct iovec iov = { .iov_base = (char *) data, .iov_len = size };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        if (c->n_sent > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(sizeof(int) * c->n_sent);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int) * c->n_sent);
                memcpy(CMSG_DATA(&control.header), c->sent, sizeof(int) * c->n_sent);
        }
        n = sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
                return -errno;
        close_all(c->sent, &c->n_sent);
        return n;
}

static int channel_flush(Channel *c)
{
        size_t sent = 0;
        int r = 0;

        while (sent < c->output_size) {
                ssize_t n = send_some(c, c->output + sent, c->output_size - sent);

                if (n == -EINTR)
                        continue;
                if (n < 0) {
                        r = n == -EAGAIN ? 0 : (int) n;
                        break;
                }
                sent += (size_t) n;
        }
        if (sent > 0) {
                memmove(c->output, c->output + sent, c->output_size - sent);
                c->output_size -= sent;
        }
        return r < 0 ? r : update_events(c);
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
                if (c->kind->end == '\n' && strspn(text, " \t\r") == size)
                        continue;
                message = channel_parse(text, size);
                if (!message)
                        return -EBADMSG;
                r = c->kind->message(c, message, c->userdata);
                close_all(c->received, &c->n_received);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The descriptors in m, or -E2BIG if there are more than fit, or than the process can have. */
static int keep_received(Channel *c, struct msghdr *m)
{
        int r = m->msg_flags & MSG_CTRUNC ? -E2BIG : 0;

        for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
                size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < n; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
                        if (c->n_received < c->kind->fds_max)
                                c->received[c->n_received++] = fd;
                        else {
                                (void) fd_close(fd);
                                r = -E2BIG;
                        }
                }
        }
        return r;
}

/* Like recv(), up to the end of the message that is being read. Negative errno. */
static ssize_t receive_message(Channel *c, char *room, size_t size)
{
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
        } control;
        struct iovec iov = { .iov_base = room };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        const char *end;
        ssize_t n;
        int r;

        n = recv(c->fd, room, size, MSG_DONTWAIT | MSG_PEEK);
        if (n <= 0)
                return n < 0 ? -errno : 0;
        end = memchr(room, c->kind->end, (size_t) n);
        iov.iov_len = end ? (size_t) (end + 1 - room) : (size_t) n;
        n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return -errno;
        r = keep_received(c, &m);
        return r < 0 ? r : n;
}

static ssize_t receive(Channel *c, char *room, size_t size)
{
        ssize_t n;

        if (c->kind->fds_max > 0)
                return receive_message(c, room, size);
        n = recv(c->fd, room, size, MSG_DONTWAIT);
        return n < 0 ? -errno : n;
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
        n = receive(c, room, size);
        if (n == -EAGAIN || n == -EINTR)
                return 1;
        if (n == 0 || n == -ECONNRESET) /* the latter if it closed with unread data */
                return 0;
        if (n < 0)
                return (int) n;
        frames_received(&c->frames, (size_t) n);
        r = channel_deliver(c);
        return r < 0 ? r : 1;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Channel *c = userdata;
        int r = 1;

        if (c->failure < 0) {
                channel_close(c, c->failure);
                return 0;
        }
        if (revents & EPOLLOUT) {
                r = channel_flush(c);
                if (r < 0) {
                        channel_close(c, r);
                        return 0;
                }
        }
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                /* what it sent before it left need not be read: nobody would read the reply */
                r = c->held ? 0 : channel_read(c);
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
        close_all(c->received, &c->n_received);
        close_all(c->sent, &c->n_sent);
        free(c->output);
        (void) fd_close(c->fd);
        free(c);
        return NULL;
}

/* Duplicates, so that they can wait for the peer to read. */
static int keep_sent(Channel *c, const int *fds, size_t n)
{
        if (n == 0)
                return 0;
        /* they go with the first byte of their message, so no older output may be waiting */
        if (c->output_size > 0)
                return -EBUSY;
        if (n > CHANNEL_FDS_MAX)
                return -E2BIG;
        for (size_t i = 0; i < n; i++) {
                int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

                if (fd < 0) {
                        int r = -errno;

                        close_all(c->sent, &c->n_sent);
                        return r;
                }
                c->sent[c->n_sent++] = fd;
        }
        return 0;
}

int channel_send(Channel *c, const json_t *message, const int *fds, size_t n_fds)
{
        _cleanup_(freep) char *text = json_dumps(message, JSON_COMPACT | JSON_ENSURE_ASCII);
        char *bigger;
        size_t size;
        int r;

        if (!text)
                return -ENOMEM;
        if (c->closed || c->failure < 0)
                return -ENOTCONN;
        size = strlen(text);
        text[size++] = c->kind->end;
        if (size > c->kind->output_max - c->output_size)
                return -ENOBUFS;
        bigger = realloc(c->output, c->output_size + size);
        if (!bigger)
                return -ENOMEM;
        c->output = bigger;
        r = keep_sent(c, fds, n_fds);
        if (r < 0)
                return r;
        memcpy(c->output + c->output_size, text, size);
        c->output_size += size;
        return channel_flush(c);
}

void channel_hold(Channel *c, bool held)
{
        c->held = held;
        if (!c->closed)
                (void) update_events(c);
}

bool channel_is_held(const Channel *c)
{
        return c->held;
}

void channel_switch(Channel *c, const ChannelKind *kind, void *userdata)
{
        c->kind = kind;
        c->userdata = userdata;
        frames_done(&c->frames);
        c->frames = (Frames){ .end = kind->end, .max = kind->input_max };
        (void) update_events(c);
}

void channel_fail(Channel *c, int error)
{
        if (c->failure == 0)
                c->failure = error;
        (void) shutdown(c->fd, SHUT_RDWR); /* wakes its event handler */
}

size_t channel_count_fds(const Channel *c)
{
        return c->n_received;
}

int channel_take_fd(Channel *c, size_t index)
{
        return index < c->n_received ? TAKE_FD(c->received[index]) : -EBADF;
}

int channel_get_fd(const Channel *c)
{
        return c->fd;
}
