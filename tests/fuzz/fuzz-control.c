/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes from a client of the control socket, in pieces, with descriptors. QEMU is not there yet, so that
 * what is read is checked and refused. Afterwards no descriptor is left over, whatever the client did.
 */

#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/control/control.h"
#include "tests/unit/process.h"
#include "tests/unit/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/fuzz-control-XXXXXX";

static void remove_directory(void)
{
        (void) rmdir(directory);
}

static void on_kill(int signal, void *userdata)
{
}

static void on_finished(int exit_status, void *userdata)
{
}

static char *on_explain(int *ret_exit, void *userdata)
{
        return NULL;
}

static const LifecycleHandlers handlers = { .kill = on_kill,
                                            .finished = on_finished,
                                            .explain = on_explain };

static void run(sd_event *event)
{
        while (sd_event_run(event, 0) > 0)
                ;
}

static int connect_client(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", directory);
        CHECK(fd >= 0);
        CHECK_NUMBER(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        return fd;
}

/* n descriptors, at most 3, go along. */
static ssize_t send_piece(int fd, const uint8_t *data, size_t size, unsigned n)
{
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int) * 3)];
        } control = { 0 };
        struct iovec iov = { .iov_base = (void *) data, .iov_len = size };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        const int fds[] = { 0, 1, 2 };

        if (n > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
                control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                                   .cmsg_type = SCM_RIGHTS,
                                                   .cmsg_len = CMSG_LEN(sizeof(int) * n) };
                memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n);
        }
        return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void drain(int fd)
{
        char buffer[65536];

        while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
                ;
}

/* The first byte says how long the pieces are, and how many descriptors go with each. */
static void play_client(sd_event *event, const uint8_t *data, size_t size)
{
        size_t piece = 1 + (size_t) (data[0] >> 2) * 64;
        unsigned n_fds = data[0] & 3;
        int fd = connect_client();

        run(event);
        for (size_t at = 1; at < size;) {
                ssize_t n = send_piece(fd, data + at, size - at < piece ? size - at : piece, n_fds);

                if (n <= 0)
                        break;
                at += (size_t) n;
                run(event);
                drain(fd);
        }
        (void) close(fd);
        run(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *argv[] = { NULL };
        const RunOptions options = { .guest = "fuzz",
                                     .helper = "/run/user/1/x",
                                     .life = { .guest = "fuzz", .argv = argv },
                                     .argv = argv };
        static bool made;
        sd_event *event = NULL;
        Lifecycle *life = NULL;
        Control *control = NULL;
        unsigned before;

        if (size < 2)
                return 0;
        if (!made) {
                CHECK(mkdtemp(directory));
                (void) atexit(remove_directory);
                made = true;
        }
        before = count_open();
        CHECK(sd_event_new(&event) >= 0);
        CHECK_NUMBER(lifecycle_new(event, &options.life, &handlers, NULL, &life), 0);
        CHECK_NUMBER(
                control_new(
                        &(ControlContext){
                                .event = event, .life = life, .options = &options, .directory = directory },
                        &control),
                0);
        play_client(event, data, size);
        control_free(control);
        lifecycle_free(life);
        sd_event_unref(event);
        CHECK_NUMBER(count_open(), before);
        return 0;
}
