/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU explains a failed start in its own terms, on stderr. The launcher reads that in order to say what it
 * means for the guest (launcher/qemu/explain.h). Once the guest runs, QEMU prints little, but a guest can
 * make it print: so lines are limited together with those of consoles, and made safe to print.
 *
 * Not trusted: QEMU.
 */

#include "launcher/run/qemu-output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/message-ids.h"
#include "launcher/stream/lines.h"
#include "log/log.h"

#define KEPT_MAX 16384u /* bytes: the first lines tell why a start failed */

struct QemuOutput {
        sd_event *event;
        sd_event_source *source;
        int fd;
        Lines lines;
        RateLimit *limit;
        int journal; /* a stream: the journal knows whose it is, even if the launcher ends at once */
        char kept[KEPT_MAX + 1];
        size_t kept_size;
};

static void on_line(const char *text, size_t size, void *userdata)
{
        QemuOutput *o = userdata;
        unsigned missed;
        uint64_t now = 0;

        if (size + 1 <= KEPT_MAX - o->kept_size) {
                memcpy(o->kept + o->kept_size, text, size);
                o->kept[o->kept_size + size] = '\n';
                o->kept_size += size + 1;
        }
        (void) sd_event_now(o->event, CLOCK_MONOTONIC, &now);
        missed = rate_limit_take_suppressed(o->limit, now);
        if (missed > 0)
                log_entry(
                        LOG_WARNING, MESSAGE_ID_SUPPRESSED, NULL, "Suppressed %u lines from QEMU.", missed);
        if (rate_limit_pass(o->limit, now, size))
                (void) dprintf(o->journal, "%.*s\n", (int) size, text);
}

/* 1 if something was read, 0 at the end, negative errno if there is nothing to read. */
static int read_some(QemuOutput *o)
{
        char data[4096];
        ssize_t n = read(o->fd, data, sizeof(data));

        if (n < 0)
                return -errno;
        lines_feed(&o->lines, data, (size_t) n, on_line, o);
        return n > 0;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        if (read_some(userdata) == 0)
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        return 0;
}

const char *qemu_output_finish(QemuOutput *o)
{
        /* what a program that inherited the pipe still writes is not waited for */
        for (unsigned turns = 0; turns < 64 && read_some(o) > 0; turns++)
                ;
        lines_flush(&o->lines, on_line, o);
        o->kept[o->kept_size] = '\0';
        return o->kept;
}

int qemu_output_new(sd_event *event, RateLimit *limit, QemuOutput **ret, int *ret_fd)
{
        _cleanup_(qemu_output_freep) QemuOutput *o = calloc(1, sizeof(*o));
        _cleanup_(closep) int theirs = -EBADF;
        int fds[2], r;

        if (!o)
                return -ENOMEM;
        o->fd = -EBADF;
        o->limit = limit;
        o->journal = log_stream(LOG_WARNING, "qemu");
        if (o->journal < 0)
                return o->journal;
        o->event = sd_event_ref(event);
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        o->fd = fds[0];
        theirs = fds[1];
        if (fcntl(o->fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        r = sd_event_add_io(event, &o->source, o->fd, EPOLLIN, on_io, o);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(o);
        *ret_fd = TAKE_FD(theirs);
        return 0;
}

QemuOutput *qemu_output_free(QemuOutput *o)
{
        if (!o)
                return NULL;
        lines_flush(&o->lines, on_line, o);
        sd_event_source_disable_unref(o->source);
        (void) fd_close(o->fd);
        (void) fd_close(o->journal);
        sd_event_unref(o->event);
        free(o);
        return NULL;
}
