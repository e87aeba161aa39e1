/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * With on_crash='coredump-…' the memory of a crashed guest is kept so that the cause can be found. The file
 * is created here, readable by its owner only, and QEMU receives a descriptor. While it is being written its
 * name says so; an unfinished dump is removed.
 *
 * A guest that crashes at each start would fill the disk, so the number of dumps is limited. Above the limit
 * no dump is written: an older one may be of the first crash, the one that matters.
 */

#include "launcher/lifecycle/dump.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "contract/limits.h"
#include "log/log.h"
#include "util/text.h"

#define DUMP_PREFIX  "crash-"
#define DUMP_PARTIAL ".partial"

struct Dump {
        Monitor *monitor;
        DumpDone done;
        void *userdata;
        int directory;
        char *name, *partial;
        bool finished;
};

static int count_dumps(int directory)
{
        int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
        _cleanup_(closedirp) DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
        struct dirent *entry;

        if (!d) {
                (void) fd_close(copy);
                return -errno;
        }
        while ((entry = readdir(d)))
                if (text_after(entry->d_name, DUMP_PREFIX))
                        n++;
        return n;
}

static int open_file(Dump *d)
{
        time_t now = time(NULL);
        char stamp[32];
        struct tm tm;
        int fd, n;

        n = count_dumps(d->directory);
        if (n < 0)
                return n;
        if ((unsigned) n >= CORE_DUMPS_MAX)
                return -EDQUOT;
        if (!gmtime_r(&now, &tm) || strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm) == 0)
                return -EINVAL;
        d->name = text_format(DUMP_PREFIX "%s.elf", stamp);
        d->partial = text_format(DUMP_PREFIX "%s.elf" DUMP_PARTIAL, stamp);
        if (!d->name || !d->partial)
                return -ENOMEM;
        fd = openat(d->directory, d->partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : fd;
}

static void finish(Dump *d, bool written)
{
        d->finished = true;
        if (written && renameat(d->directory, d->partial, d->directory, d->name) < 0) {
                log_errno(LOG_ERR, -errno, "Cannot rename %s", d->partial);
                written = false;
        }
        if (written)
                log_notice("Wrote the guest's memory to %s in its state directory.", d->name);
        else
                (void) unlinkat(d->directory, d->partial, 0);
        d->done(written, d->userdata);
}

static void on_answer(const json_t *result, const char *error, void *userdata)
{
        Dump *d = userdata;

        if (result || d->finished)
                return;
        log_error("QEMU failed to dump the guest's memory: %s", error);
        finish(d, false);
}

void dump_completed(Dump *d, bool failed)
{
        if (!d->finished)
                finish(d, !failed);
}

int dump_new(
        sd_event *event, Monitor *monitor, const char *directory, DumpDone done, void *userdata, Dump **ret)
{
        _cleanup_(dump_freep) Dump *d = calloc(1, sizeof(*d));
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (!d)
                return log_out_of_memory();
        *d = (Dump){ .monitor = monitor, .done = done, .userdata = userdata, .directory = -1 };
        d->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (d->directory < 0)
                return log_errno(LOG_ERR, -errno, "Cannot open the guest's state directory");
        fd = open_file(d);
        if (fd == -EDQUOT)
                return log_errno(
                        LOG_WARNING, fd,
                        "Not dumping the guest's memory: the state directory already has %u dumps. Remove "
                        "some of them",
                        CORE_DUMPS_MAX);
        if (fd < 0)
                return log_errno(LOG_ERR, fd, "Failed to create a file for the guest's memory");
        r = monitor_execute_fd(monitor, "getfd", json_pack("{s:s}", "fdname", "dump"), fd, on_answer, d);
        if (r >= 0)
                r = monitor_execute(
                        monitor, "dump-guest-memory",
                        json_pack("{s:b, s:s, s:b}", "paging", 0, "protocol", "fd:dump", "detach", 1),
                        on_answer, d, MONITOR_PATIENCE);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(d);
        return 0;
}

Dump *dump_free(Dump *d)
{
        if (!d)
                return NULL;
        monitor_forget(d->monitor, d);
        if (!d->finished && d->partial)
                (void) unlinkat(d->directory, d->partial, 0);
        (void) fd_close(d->directory);
        free(d->name);
        free(d->partial);
        free(d);
        return NULL;
}
