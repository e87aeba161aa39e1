/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any messages on the connection of a launcher and a helper, in both directions. Beyond not crashing, the
 * target checks this: what the reader accepts is text that ends, and every descriptor that came along is
 * either one of those that the launcher keeps or is closed.
 *
 * The first byte says who reads: 0 is the launcher, 1 to 3 the helper that expects this HelperKind less one.
 * Messages follow, each as two bytes and its content. The low bits of the first byte are how many
 * descriptors come with it; with bit 2 the content is the message, of as many bytes as the second byte says.
 * Otherwise the second byte is the kind, and the content an exit status and the length of a text, in a byte
 * each, and the text.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/helper/helper.h"
#include "tests/unit/test.h"

#define MESSAGES_MAX 8 /* what a socket takes without anybody who reads */
#define FDS_MAX      3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* systemd's end of $NOTIFY_SOCKET */
static int manager = -EBADF;

static void listen_as_manager(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t size = sizeof(sa_family_t);
        char path[sizeof(address.sun_path) + 1] = "@";

        manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        CHECK(manager >= 0);
        CHECK_NUMBER(
                bind(manager, (struct sockaddr *) &address, size), 0); /* a name of the kernel's choice */
        size = sizeof(address);
        CHECK_NUMBER(getsockname(manager, (struct sockaddr *) &address, &size), 0);
        memcpy(path + 1, address.sun_path + 1, size - sizeof(sa_family_t) - 1);
        CHECK_NUMBER(setenv("NOTIFY_SOCKET", path, 1), 0);
}

static void read_as_manager(void)
{
        char text[512];

        while (recv(manager, text, sizeof(text), 0) >= 0)
                ;
}

/* How many of the lowest descriptors are open. */
static unsigned count_open(void)
{
        struct pollfd fds[64];
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTS(fds); i++)
                fds[i] = (struct pollfd){ .fd = (int) i };
        CHECK(poll(fds, ELEMENTS(fds), 0) >= 0);
        for (size_t i = 0; i < ELEMENTS(fds); i++)
                n += !(fds[i].revents & POLLNVAL);
        return n;
}

static void send_with_fds(int socket, const void *message, size_t size, unsigned n_fds)
{
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control = { 0 };
        struct iovec data = { .iov_base = (void *) message, .iov_len = size };
        struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };
        static const int fds[FDS_MAX] = { STDIN_FILENO, STDIN_FILENO, STDIN_FILENO };

        if (n_fds > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
                control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                                   .cmsg_type = SCM_RIGHTS,
                                                   .cmsg_len = CMSG_LEN(n_fds * sizeof(int)) };
                memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
        }
        CHECK_NUMBER(sendmsg(socket, &m, MSG_NOSIGNAL), (ssize_t) size);
}

static size_t at_most(size_t n, size_t max)
{
        return n < max ? n : max;
}

static void send_all(int socket, const uint8_t *data, size_t size)
{
        const uint8_t *end = data + size;

        for (unsigned i = 0; i < MESSAGES_MAX && end - data >= 2; i++) {
                unsigned n_fds = data[0] & FDS_MAX;
                bool raw = data[0] & 4;
                HelperMessage m = { 0 };
                size_t length = data[1];

                data += 2;
                if (raw) {
                        length = at_most(length, (size_t) (end - data));
                        if (length > 0) /* none would read as the end of the connection */
                                send_with_fds(socket, data, length, n_fds);
                        data += length;
                        continue;
                }
                m.kind = (HelperKind) length;
                if (end - data >= 2) {
                        m.exit_status = data[0];
                        length = at_most(data[1], (size_t) (end - data) - 2);
                        memcpy(m.text, data + 2, length);
                        memset(m.text + length, m.exit_status == UINT8_MAX ? 'a' : 0,
                               sizeof(m.text) - length);
                        data += 2 + length;
                }
                send_with_fds(socket, &m, sizeof(m), n_fds);
        }
        send_with_fds(socket, "", 1, 0); /* nobody waits for more */
}

static void check_launcher(int socket)
{
        const HelperCall call = { .socket = "/fuzz", .guest = "fuzz" };
        Fds fds = { 0 };

        (void) helper_prepare(&call, socket, &fds);
        CHECK(fds.count <= MESSAGES_MAX);
        for (size_t i = 0; i < fds.count; i++) {
                CHECK(strlen(fds.items[i].name) < HELPER_TEXT_MAX);
                CHECK(fcntl(fds.items[i].fd, F_GETFD) == FD_CLOEXEC);
        }
        fds_done(&fds);
}

static void check_helper(int socket, HelperKind expected)
{
        for (;;) {
                HelperMessage m;

                memset(&m, 0xaa, sizeof(m));
                if (helper_receive(socket, expected, &m) < 0)
                        return;
                CHECK_NUMBER(m.kind, expected);
                CHECK(memchr(m.text, '\0', sizeof(m.text)));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        unsigned before;
        int pair[2];

        if (manager < 0)
                listen_as_manager();
        if (size < 1)
                return 0;
        before = count_open();
        CHECK_NUMBER(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        send_all(pair[1], data + 1, size - 1);
        if (data[0] == 0)
                check_launcher(pair[0]);
        else if (data[0] <= 3)
                check_helper(pair[0], (HelperKind) (data[0] - 1));
        close(pair[0]);
        close(pair[1]);
        read_as_manager();
        CHECK_NUMBER(count_open(), before);
        return 0;
}
