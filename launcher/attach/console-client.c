/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One client of a guest's console. Several clients may be attached at once, and all of them may type, so
 * that a forgotten connection locks nobody out. The launcher never waits for a client, which is not trusted:
 * one that does not read is dropped when its buffer is full. A client that closes its sending side, as a
 * pipe does at its end, still receives the output.
 */

#include "launcher/attach/console-client.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "contract/limits.h"

struct ConsoleClient {
        const ConsoleClientHandlers *handlers;
        void *userdata;
        sd_event_source *source;
        int fd;
        bool listens;
        bool ended; /* it sends nothing more */
        char *waiting;
        size_t waiting_size;
};

static void update_events(ConsoleClient *a)
{
        (void) sd_event_source_set_io_events(
                a->source, (a->listens && !a->ended ? EPOLLIN : 0) | (a->waiting_size > 0 ? EPOLLOUT : 0));
}

/* False if the client is gone. */
static bool write_waiting(ConsoleClient *a)
{
        ssize_t n = send(a->fd, a->waiting, a->waiting_size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        a->waiting_size -= (size_t) n;
        memmove(a->waiting, a->waiting + n, a->waiting_size);
        return true;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        ConsoleClient *a = userdata;
        bool there = true;

        if (revents & EPOLLOUT && a->waiting_size > 0)
                there = write_waiting(a);
        if (there && revents & EPOLLIN && a->listens && !a->ended) {
                char data[CONSOLE_CLIENT_TURN];
                ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

                if (n > 0)
                        a->handlers->typed(data, (size_t) n, a->userdata);
                else if (n == 0)
                        a->ended = true;
                else
                        there = errno == EAGAIN || errno == EINTR;
        }
        if (!there || (revents & (EPOLLHUP | EPOLLERR) && (a->ended || !(revents & EPOLLIN))))
                a->handlers->left(a, a->userdata);
        else
                update_events(a);
        return 0;
}

int console_client_new(
        sd_event *event, int fd, const ConsoleClientHandlers *handlers, void *userdata, ConsoleClient **ret)
{
        _cleanup_(console_client_freep) ConsoleClient *a = calloc(1, sizeof(*a));
        int r;

        if (!a) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        *a = (ConsoleClient){ .handlers = handlers, .userdata = userdata, .fd = fd, .listens = true };
        r = sd_event_add_io(event, &a->source, fd, EPOLLIN, on_io, a);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

ConsoleClient *console_client_free(ConsoleClient *a)
{
        if (!a)
                return NULL;
        sd_event_source_disable_unref(a->source);
        (void) fd_close(a->fd);
        free(a->waiting);
        free(a);
        return NULL;
}

bool console_client_show(ConsoleClient *a, const char *data, size_t size)
{
        char *bigger;

        if (size == 0) /* realloc() with a size of 0 would free the buffer */
                return true;
        if (size > CONSOLE_OUTPUT_MAX - a->waiting_size)
                return false;
        bigger = realloc(a->waiting, a->waiting_size + size);
        if (!bigger)
                return false;
        a->waiting = bigger;
        memcpy(a->waiting + a->waiting_size, data, size);
        a->waiting_size += size;
        if (!write_waiting(a))
                return false;
        update_events(a);
        return true;
}

void console_client_listen(ConsoleClient *a, bool listen)
{
        a->listens = listen;
        update_events(a);
}
