/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU writes the guest's output into a socketpair, and blocks, with its monitor, when it cannot write. So a
 * console is always read, and nothing done with the output may block: the journal gets lines, up to a rate
 * limit, attached clients get the bytes, and the last 64 KiB are kept for clients that attach later, so that
 * they see the prompt that waits for them. Neither the guest nor a client is trusted.
 *
 * Input waits in a small buffer until the guest reads it; while that is full, no client's input is read.
 */

#include "launcher/attach/console.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>

#include "contract/console-label.h"
#include "contract/limits.h"
#include "contract/message-ids.h"
#include "launcher/attach/console-client.h"
#include "launcher/stream/lines.h"
#include "launcher/stream/listener.h"
#include "log/log.h"
#include "util/text.h"

#define CONSOLE_DRAIN_TURNS 256    /* a socket holds less */
#define CONSOLE_IDLE_USEC   250000 /* an unfinished line is logged after so long: it may be a prompt */

struct Console {
        sd_event *event;
        const char *label;
        int fd;
        sd_event_source *source, *idle;
        Listener *listener;
        RateLimit *limit;
        Lines lines;
        char backlog[CONSOLE_BACKLOG];
        size_t backlog_next;
        bool backlog_full;
        char typed[CONSOLE_INPUT_MAX];
        size_t typed_size;
        ConsoleClient *clients[CONSOLE_ATTACHED_MAX];
};

static uint64_t console_now(const Console *c)
{
        uint64_t now = 0;

        (void) sd_event_now(c->event, CLOCK_MONOTONIC, &now);
        return now;
}

static void report_suppressed(Console *c, uint64_t now)
{
        unsigned n = rate_limit_take_suppressed(c->limit, now);

        if (n > 0)
                log_entry(
                        LOG_WARNING, MESSAGE_ID_SUPPRESSED, NULL,
                        "Suppressed %u lines from the guest's consoles.", n);
}

static void on_line(const char *text, size_t size, void *userdata)
{
        Console *c = userdata;
        uint64_t now = console_now(c);

        report_suppressed(c, now);
        if (rate_limit_pass(c->limit, now, size))
                log_line(LOG_INFO, c->label, text, size);
}

static void backlog_add(Console *c, const char *data, size_t size)
{
        while (size > 0) {
                size_t n = sizeof(c->backlog) - c->backlog_next;

                n = size < n ? size : n;
                memcpy(c->backlog + c->backlog_next, data, n);
                c->backlog_next += n;
                if (c->backlog_next == sizeof(c->backlog)) {
                        c->backlog_next = 0;
                        c->backlog_full = true;
                }
                data += n;
                size -= n;
        }
}

static void on_left(ConsoleClient *a, void *userdata)
{
        Console *c = userdata;

        for (size_t i = 0; i < CONSOLE_ATTACHED_MAX; i++)
                if (c->clients[i] == a)
                        c->clients[i] = NULL;
        console_client_free(a);
        log_debug("A client detached from console %s.", c->label);
}

static void show_to_all(Console *c, const char *data, size_t size)
{
        for (size_t i = 0; i < CONSOLE_ATTACHED_MAX; i++)
                if (c->clients[i] && !console_client_show(c->clients[i], data, size)) {
                        log_debug("Dropping a client of console %s that does not read.", c->label);
                        c->clients[i] = console_client_free(c->clients[i]);
                }
}

/* Reads input only while there is room for all that one client can send at once, so that none is lost. */
static void listen_to_all(Console *c)
{
        for (size_t i = 0; i < CONSOLE_ATTACHED_MAX; i++)
                if (c->clients[i])
                        console_client_listen(
                                c->clients[i], sizeof(c->typed) - c->typed_size >= CONSOLE_CLIENT_TURN);
}

/* Writes as much of the input as the guest reads. */
static void flush_typed(Console *c)
{
        ssize_t n =
                c->typed_size > 0 ? send(c->fd, c->typed, c->typed_size, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

        if (n > 0) {
                c->typed_size -= (size_t) n;
                memmove(c->typed, c->typed + n, c->typed_size);
        }
        listen_to_all(c);
        (void) sd_event_source_set_io_events(c->source, EPOLLIN | (c->typed_size > 0 ? EPOLLOUT : 0));
}

static void on_typed(const char *data, size_t size, void *userdata)
{
        Console *c = userdata;
        size_t room = sizeof(c->typed) - c->typed_size;

        size = size < room ? size : room;
        memcpy(c->typed + c->typed_size, data, size);
        c->typed_size += size;
        flush_typed(c);
}

static const ConsoleClientHandlers client_handlers = { .typed = on_typed, .left = on_left };

static void on_attach(int fd, void *userdata)
{
        static const char full[] = "Too many clients are attached to this console.\r\n";
        Console *c = userdata;
        ConsoleClient *a;

        for (size_t i = 0; i < CONSOLE_ATTACHED_MAX; i++) {
                if (c->clients[i])
                        continue;
                if (console_client_new(c->event, fd, &client_handlers, c, &a) < 0)
                        return;
                log_debug("A client attached to console %s.", c->label);
                if ((c->backlog_full &&
                     !console_client_show(
                             a, c->backlog + c->backlog_next, sizeof(c->backlog) - c->backlog_next)) ||
                    !console_client_show(a, c->backlog, c->backlog_next)) {
                        console_client_free(a);
                        return;
                }
                c->clients[i] = a;
                listen_to_all(c);
                return;
        }
        (void) send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void) fd_close(fd);
}

/* 1 if something was read, 0 if QEMU closed its end, negative errno if there is nothing to read. */
static int console_read(Console *c)
{
        char data[8192];
        ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);

        if (n <= 0)
                return n < 0 ? -errno : 0;
        backlog_add(c, data, (size_t) n);
        show_to_all(c, data, (size_t) n);
        lines_feed(&c->lines, data, (size_t) n, on_line, c);
        (void) sd_event_source_set_time_relative(c->idle, CONSOLE_IDLE_USEC);
        (void) sd_event_source_set_enabled(c->idle, SD_EVENT_ONESHOT);
        return 1;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Console *c = userdata;

        if (revents & EPOLLOUT)
                flush_typed(c);
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR) && console_read(c) == 0)
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        return 0;
}

/* If lines were suppressed the timer runs once more, so that they are reported even if the guest falls
 * silent. */
static int on_idle(sd_event_source *s, uint64_t usec, void *userdata)
{
        Console *c = userdata;

        lines_flush(&c->lines, on_line, c);
        report_suppressed(c, console_now(c));
        if (c->limit->suppressed > 0) {
                (void) sd_event_source_set_time_relative(s, CONSOLE_RATE_SECONDS * UINT64_C(1000000));
                (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        }
        return 0;
}

int console_new(
        sd_event *event, const char *label, int fd, const char *directory, RateLimit *limit, Console **ret)
{
        _cleanup_(console_freep) Console *c = calloc(1, sizeof(*c));
        int r;

        if (!c) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        c->event = sd_event_ref(event);
        c->label = label;
        c->fd = fd;
        c->limit = limit;
        if (!console_label_is_valid(label))
                return -EINVAL;
        r = sd_event_add_io(event, &c->source, fd, EPOLLIN, on_io, c);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        event, &c->idle, CLOCK_MONOTONIC, 0, CONSOLE_IDLE_USEC / 10, on_idle, c);
        if (r >= 0)
                r = sd_event_source_set_enabled(c->idle, SD_EVENT_OFF);
        if (r >= 0 && directory)
                r = listener_new(event, directory, label, on_attach, c, &c->listener);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

void console_drain(Console *c)
{
        for (unsigned turns = 0; turns < CONSOLE_DRAIN_TURNS && console_read(c) > 0;)
                turns++;
}

Console *console_free(Console *c)
{
        if (!c)
                return NULL;
        if (c->source)
                lines_flush(&c->lines, on_line, c);
        for (size_t i = 0; i < CONSOLE_ATTACHED_MAX; i++)
                console_client_free(c->clients[i]);
        listener_free(c->listener);
        sd_event_source_disable_unref(c->source);
        sd_event_source_disable_unref(c->idle);
        (void) fd_close(c->fd);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}
