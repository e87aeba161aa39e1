/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libsystemd has a Varlink client only since 257. The protocol is one JSON object in each direction,
 * terminated by NUL, so a single call needs little code. The peer is a service of the host; even so, the
 * time and size of its reply are limited.
 */

#include "launcher/monitor/varlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "launcher/stream/channel.h"
#include "launcher/stream/frames.h"
#include "util/file.h"
#include "util/text.h"

#define VARLINK_SECONDS    10
#define VARLINK_ANSWER_MAX (64U << 10)

static int connect_to(const char *address)
{
        const struct timeval patience = { .tv_sec = VARLINK_SECONDS };
        struct sockaddr_un peer = { .sun_family = AF_UNIX };
        _cleanup_(closep) int fd = -EBADF;

        if (strlen(address) >= sizeof(peer.sun_path))
                return -ENAMETOOLONG;
        strcpy(peer.sun_path, address);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
            connect(fd, (struct sockaddr *) &peer, sizeof(peer)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int read_answer(int fd, json_t **ret)
{
        _cleanup_(frames_done) Frames frames = { .end = '\0', .max = VARLINK_ANSWER_MAX };
        size_t size;
        char *text;

        while (!frames_next(&frames, &text, &size)) {
                ssize_t n;
                int r;

                r = frames_prepare(&frames, &text, &size);
                if (r < 0)
                        return r;
                n = recv(fd, text, size, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                if (n == 0)
                        return -ECONNRESET;
                frames_received(&frames, (size_t) n);
        }
        *ret = channel_parse(text, size);
        return *ret ? 0 : -EBADMSG;
}

int varlink_call(const char *address, const char *method, json_t *parameters, char **ret_error)
{
        _cleanup_(json_decrefp)
                json_t *call = json_pack("{s:s, s:o}", "method", method, "parameters", parameters),
                       *answer = NULL;
        _cleanup_(freep) char *text = call ? json_dumps(call, JSON_COMPACT) : NULL;
        _cleanup_(closep) int fd = -EBADF;
        const char *error;
        int r;

        if (!text)
                return -ENOMEM;
        fd = connect_to(address);
        if (fd < 0)
                return fd;
        r = file_write_all(fd, text, strlen(text) + 1);
        if (r >= 0)
                r = read_answer(fd, &answer);
        if (r < 0)
                return r;
        error = json_string_value(json_object_get(answer, "error"));
        if (!error)
                return 0;
        *ret_error = strdup(error);
        return *ret_error ? -EREMOTE : -ENOMEM;
}
