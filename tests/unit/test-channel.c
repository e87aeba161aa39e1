/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages with descriptors, in the order and with the messages that they were sent with. */

#include "launcher/stream/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/limits.h"
#include "tests/unit/process.h"
#include "tests/unit/test.h"

#define FDS_MAX 3U

static sd_event *event;
static Channel *channel;
static int peer;
static unsigned messages, closed;
static int last_error;
static size_t n_fds[8];
static bool hold, take;
static int taken = -1;

static int on_message(Channel *c, json_t *message, void *userdata)
{
        n_fds[messages++ % 8] = channel_count_fds(c);
        if (take)
                taken = channel_take_fd(c, 0);
        if (hold)
                channel_hold(c, true);
        return 0;
}

static void on_closed(Channel *c, int error, void *userdata)
{
        closed++;
        last_error = error;
}

static const ChannelKind kind = { .end = '\0',
                                  .input_max = 4096,
                                  .output_max = 1U << 20,
                                  .fds_max = FDS_MAX,
                                  .message = on_message,
                                  .closed = on_closed };

static void run(void)
{
        while (sd_event_run(event, 0) > 0)
                ;
}

static void begin(void)
{
        int fds[2];

        messages = closed = 0;
        last_error = 0;
        hold = take = false;
        memset(n_fds, 0, sizeof(n_fds));
        CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        CHECK(sd_event_new(&event) >= 0);
        CHECK_NUMBER(channel_new(event, fds[0], &kind, NULL, &channel), 0);
        peer = fds[1];
}

static void end(void)
{
        channel = channel_free(channel);
        event = sd_event_unref(event);
        peer = fd_close(peer);
}

/* n descriptors of /dev/null go along. */
static void send_bytes(const char *data, size_t size, size_t n)
{
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int) * 200)];
        } control = { 0 };
        struct iovec iov = { .iov_base = (char *) data, .iov_len = size };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (n > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
                control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                                   .cmsg_type = SCM_RIGHTS,
                                                   .cmsg_len = CMSG_LEN(sizeof(int) * n) };
                for (size_t i = 0; i < n; i++)
                        memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &null, sizeof(null));
        }
        CHECK_NUMBER(sendmsg(peer, &m, MSG_NOSIGNAL), (ssize_t) size);
        (void) fd_close(null);
}

static void test_with_their_message(void)
{
        unsigned before;

        begin();
        before = count_open();
        send_bytes("{}", 3, 0);
        send_bytes("{}", 3, 2); /* read together with what is before */
        send_bytes("{}\0{}", 6, 1);
        send_bytes("{", 1, 1);
        send_bytes("}", 2, 1);
        run();
        CHECK_NUMBER(messages, 5);
        CHECK_NUMBER(n_fds[0], 0);
        CHECK_NUMBER(n_fds[1], 2);
        CHECK_NUMBER(n_fds[2], 1);
        CHECK_NUMBER(n_fds[3], 0);
        CHECK_NUMBER(n_fds[4], 2);
        CHECK_NUMBER(count_open(), before); /* nobody took them */
        CHECK_NUMBER(closed, 0);
        end();
}

static void test_taken(void)
{
        begin();
        take = true;
        send_bytes("{}", 3, 2);
        run();
        CHECK(taken >= 0);
        CHECK(fcntl(taken, F_GETFD) & FD_CLOEXEC);
        CHECK_NUMBER(channel_take_fd(channel, 0), -EBADF);
        taken = fd_close(taken);
        end();
}

static void test_too_many(void)
{
        static const size_t counts[] = { FDS_MAX + 1, CHANNEL_FDS_MAX, 200 };

        for (size_t i = 0; i < 3; i++) {
                unsigned before;

                begin();
                before = count_open();
                send_bytes("{}", 3, counts[i]);
                run();
                CHECK_NUMBER(messages, 0);
                CHECK_NUMBER(closed, 1);
                CHECK_NUMBER(last_error, -E2BIG);
                channel = channel_free(channel);
                CHECK_NUMBER(count_open(), before - 1);
                end();
        }
}

/* One at a time, in parts: the number counts for the message. */
static void test_too_many_in_parts(void)
{
        begin();
        for (size_t i = 0; i <= FDS_MAX; i++)
                send_bytes(" ", 1, 1);
        run();
        CHECK_NUMBER(closed, 1);
        CHECK_NUMBER(last_error, -E2BIG);
        end();
}

static void test_held(void)
{
        begin();
        hold = true;
        send_bytes("{}\0{}\0{}", 9, 0);
        run();
        CHECK_NUMBER(messages, 1);
        channel_hold(channel, false);
        run();
        CHECK_NUMBER(messages, 2);
        peer = fd_close(peer); /* what it sent before it left has no reader any more */
        run();
        CHECK_NUMBER(messages, 2);
        CHECK_NUMBER(closed, 1);
        CHECK_NUMBER(last_error, 0);
        end();
}

static void test_failed(void)
{
        begin();
        send_bytes("{}", 3, 0);
        channel_fail(channel, -ENOBUFS);
        run();
        CHECK_NUMBER(messages, 0);
        CHECK_NUMBER(closed, 1);
        CHECK_NUMBER(last_error, -ENOBUFS);
        end();
}

/* Receives a message; the number of descriptors with it. */
static size_t receive(size_t *ret_size)
{
        static char data[1U << 20];
        size_t size = 0, n = 0;

        do {
                union {
                        struct cmsghdr header;
                        char room[CMSG_SPACE(sizeof(int) * FDS_MAX)];
                } control;
                struct iovec iov = { .iov_base = data + size, .iov_len = 1 };
                struct msghdr m = { .msg_iov = &iov,
                                    .msg_iovlen = 1,
                                    .msg_control = &control,
                                    .msg_controllen = sizeof(control) };
                ssize_t k = recvmsg(peer, &m, 0);

                if (k < 0 && errno == EAGAIN) {
                        run();
                        continue;
                }
                CHECK_NUMBER(k, 1);
                for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
                        for (size_t i = 0; i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++, n++) {
                                struct stat st;
                                int fd;

                                memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
                                CHECK_NUMBER(fstat(fd, &st), 0);
                                CHECK(S_ISCHR(st.st_mode));
                                (void) fd_close(fd);
                        }
                size++;
        } while (size == 0 || data[size - 1] != '\0');
        *ret_size = size;
        return n;
}

/* Until the peer reads, nothing that it sends is looked at, and a reply with descriptors can wait. */
static void test_replies_wait(void)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC), fds[] = { null, null };
        json_t *small = json_object(), *big = json_object();
        unsigned sent = 0, before;
        size_t size;
        char text[4096];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        json_object_set_new(big, "text", json_string(text));
        begin();
        before = count_open();

        /* one that finds no room at all, although no output waits */
        while (send(channel_get_fd(channel), text, 1, MSG_DONTWAIT) == 1)
                sent++;
        CHECK_NUMBER(channel_send(channel, small, fds, 2), 0);
        CHECK_NUMBER(channel_send(channel, small, fds, 2), -EBUSY);
        CHECK_NUMBER(channel_send(channel, big, NULL, 0), 0);
        send_bytes("{}", 3, 0);
        run();
        CHECK_NUMBER(messages, 0);
        for (; sent > 0; sent--)
                CHECK_NUMBER(recv(peer, text, 1, 0), 1);
        CHECK_NUMBER(receive(&size), 2);
        CHECK_NUMBER(size, strlen("{}") + 1);
        CHECK_NUMBER(receive(&size), 0);
        CHECK(size > 4096);
        run();
        CHECK_NUMBER(messages, 1);
        CHECK_NUMBER(count_open(), before);
        json_decref(small);
        json_decref(big);
        (void) fd_close(null);
        end();
}

int main(void)
{
        test_with_their_message();
        test_taken();
        test_too_many();
        test_too_many_in_parts();
        test_held();
        test_failed();
        test_replies_wait();
        return 0;
}
