/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Much of what prepare does concerns files that the guest's user may have written, in directories where it
 * can write. Root would have to anticipate every trick when it reads a header or creates a file there, but a
 * process with no more rights than the attacker has nothing to lose. So a child process that runs as the
 * guest's user does it, and root receives a descriptor or an answer.
 *
 * The child is not trusted, because the guest's user might take control of it. A descriptor from it is
 * nothing more than that user could have opened, and the caller checks it again. A header is an unverified
 * claim in any case, so only its lengths are checked here.
 */

#include "launcher/errand/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "contract/limits.h"
#include "launcher/errand/errand-agent.h"
#include "launcher/errand/user-name.h"
#include "log/log.h"

struct Errand {
        int socket;
        pid_t child;
        bool lost; /* it did not answer in time, so later messages are not answers */
};

int errand_send(int socket, const void *message, size_t size, int fd)
{
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        struct iovec data = { .iov_base = (void *) message, .iov_len = size };
        struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };
        ssize_t n;

        if (fd >= 0) {
                m.msg_control = &control;
                m.msg_controllen = sizeof(control.room);
                control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                                   .cmsg_type = SCM_RIGHTS,
                                                   .cmsg_len = CMSG_LEN(sizeof(int)) };
                memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        }
        do
                n = sendmsg(socket, &m, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

int errand_receive(int socket, void *message, size_t size, int *ret_fd)
{
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        struct iovec data = { .iov_base = message, .iov_len = size };
        /* not CMSG_SPACE(): its padding is room for a second descriptor, which nobody would close */
        struct msghdr m = { .msg_iov = &data,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = CMSG_LEN(sizeof(int)) };
        _cleanup_(closep) int fd = -EBADF;
        struct cmsghdr *c;
        ssize_t n;

        do
                n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        c = CMSG_FIRSTHDR(&m);
        if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
            c->cmsg_len == CMSG_LEN(sizeof(int)))
                memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        if (n == 0)
                return -EPIPE;
        if ((size_t) n != size || m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                return -EPROTO;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static void _noreturn_ child_main(int socket, pid_t parent, const GuestUser *user)
{
        int status = 1;

        /* the guest's user must not see anything that the parent has open */
        if (dup3(socket, 3, O_CLOEXEC) == 3 && close_range(4, ~0U, 0) == 0 &&
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent)
                status = errand_agent(3, user);
        _exit(status);
}

int errand_start(const GuestUser *user, Errand **ret)
{
        _cleanup_(errand_freep) Errand *errand = calloc(1, sizeof(*errand));
        _cleanup_(closep) int other = -EBADF, none = -EBADF;
        const struct timeval patience = { .tv_sec = ERRAND_PATIENCE };
        pid_t parent = getpid();
        ErrandReply reply;
        int pair[2], r;

        if (!errand)
                return log_out_of_memory();
        errand->socket = -EBADF;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to create a socket pair");
        errand->socket = pair[0];
        other = pair[1];
        errand->child = fork();
        if (errand->child < 0)
                return log_errno(LOG_ERR, -errno, "Failed to fork");
        if (errand->child == 0) {
                int copy = other == 3 ? fcntl(other, F_DUPFD_CLOEXEC, 4) : other;

                child_main(copy, parent, user);
        }
        other = fd_close(other);
        /* the guest's user can stop the child, and other guests wait for the locks that we hold meanwhile */
        if (setsockopt(errand->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
            setsockopt(errand->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot set a timeout on a socket");
        r = errand_receive(errand->socket, &reply, sizeof(reply), &none);
        errand->lost = r == -ETIMEDOUT;
        if (r >= 0)
                r = reply.result;
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "The child process that acts for user %s did not start",
                        user_name(user->uid).text);
        *ret = TAKE_PTR(errand);
        return 0;
}

Errand *errand_free(Errand *errand)
{
        if (!errand)
                return NULL;
        fd_close(errand->socket); /* this makes the child exit */
        /*
         * do not wait for a child that does not answer; systemd kills what a failed start leaves in the unit
         */
        if (errand->child > 0 && !errand->lost)
                while (waitpid(errand->child, NULL, 0) < 0 && errno == EINTR)
                        ;
        free(errand);
        return NULL;
}

static int set_text(char target[static PATH_MAX], const char *text)
{
        size_t n = strlen(text);

        if (n >= PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(target, text, n + 1);
        return 0;
}

static int errand_do(Errand *errand, const ErrandRequest *request, int fd, ErrandReply *reply, int *ret_fd)
{
        int r;

        if (errand->lost)
                return -ETIMEDOUT;
        r = errand_send(errand->socket, request, sizeof(*request), fd);
        if (r >= 0)
                r = errand_receive(errand->socket, reply, sizeof(*reply), ret_fd);
        if (r < 0) {
                errand->lost = r == -ETIMEDOUT || r == -EAGAIN;
                if (errand->lost)
                        log_error(
                                "The child process that acts for the guest's user did not answer within %u "
                                "s; it may have been stopped.",
                                ERRAND_PATIENCE);
                return errand->lost ? -ETIMEDOUT : r;
        }
        return reply->result > 0 ? -EPROTO : reply->result;
}

/* An errand whose reply has no descriptor. */
static int errand_plain(Errand *errand, const ErrandRequest *request, int fd)
{
        _cleanup_(closep) int none = -EBADF;
        ErrandReply reply;

        return errand_do(errand, request, fd, &reply, &none);
}

/* An errand whose reply has a descriptor, which is returned. */
static int errand_fetch(Errand *errand, const ErrandRequest *request, int fd)
{
        _cleanup_(closep) int got = -EBADF;
        ErrandReply reply;
        int r;

        r = errand_do(errand, request, fd, &reply, &got);
        if (r < 0)
                return r;
        return got < 0 ? -EPROTO : TAKE_FD(got);
}

int errand_access(Errand *errand, int fd, int mode)
{
        return errand_plain(errand, &(ErrandRequest){ .kind = ERRAND_ACCESS, .mode = mode }, fd);
}

static int errand_open_at(Errand *errand, int directory, const char *path)
{
        ErrandRequest request = { .kind = ERRAND_OPEN };
        int r;

        r = set_text(request.path, path);
        return r < 0 ? r : errand_fetch(errand, &request, directory);
}

int errand_open(Errand *errand, const char *path)
{
        return errand_open_at(errand, -EBADF, path);
}

int errand_open_in(Errand *errand, int directory, const char *name)
{
        return errand_open_at(errand, directory, name);
}

int errand_open_below(Errand *errand, int directory, const char *path, int flags)
{
        ErrandRequest request = { .kind = ERRAND_OPEN_BELOW, .mode = flags };
        int r;

        r = set_text(request.path, path);
        return r < 0 ? r : errand_fetch(errand, &request, directory);
}

int errand_reopen(Errand *errand, int fd, int flags)
{
        return errand_fetch(errand, &(ErrandRequest){ .kind = ERRAND_REOPEN, .mode = flags }, fd);
}

int errand_create(Errand *errand, int directory, const char *name)
{
        ErrandRequest request = { .kind = ERRAND_CREATE };
        int r;

        r = set_text(request.path, name);
        return r < 0 ? r : errand_fetch(errand, &request, directory);
}

int errand_rename(Errand *errand, int directory, const char *from, const char *to, bool replace)
{
        ErrandRequest request = { .kind = ERRAND_RENAME, .mode = replace };
        int r;

        r = set_text(request.path, from);
        if (r >= 0)
                r = set_text(request.to, to);
        return r < 0 ? r : errand_plain(errand, &request, directory);
}

int errand_remove(Errand *errand, int directory, const char *name)
{
        ErrandRequest request = { .kind = ERRAND_REMOVE };
        int r;

        r = set_text(request.path, name);
        return r < 0 ? r : errand_plain(errand, &request, directory);
}

int errand_read_header(Errand *errand, int fd, Qcow2Header *ret)
{
        _cleanup_(closep) int none = -EBADF;
        ErrandReply reply;
        int r;

        r = errand_do(errand, &(ErrandRequest){ .kind = ERRAND_HEADER }, fd, &reply, &none);
        if (r < 0)
                return r;
        if (!memchr(reply.header.backing, '\0', sizeof(reply.header.backing)) ||
            !memchr(reply.header.format, '\0', sizeof(reply.header.format)))
                return -EPROTO;
        *ret = reply.header;
        return 0;
}
