/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The file begins with a header: a line that says what it is, and JSON. QEMU's part, its migration stream,
 * follows at a fixed place. The header is written last and contains the file's size, so a file that is not
 * whole has no header, and one that was cut short is known.
 *
 * A file's name is its state (contract/state.h), and each change of it is on the disk before the next step:
 *
 *     saved.partial → saved             QEMU and the guest may end
 *     saved → saved.restoring           the restored guest may run
 *     saved.restoring → (nothing)       it does
 *
 * A crash before the last of them leaves a file of which only the disks can tell whether it may still be
 * restored: see restore.c.
 *
 * The guest's user owns the directory, as this process does, and can only harm its own guest.
 */

#include "launcher/saved/saved-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/state.h"
#include "launcher/stream/channel.h"
#include "util/file.h"
#include "util/ownership.h"
#include "util/text.h"

static const char magic[] = "vmunit saved guest 1\n";

int saved_create(int directory)
{
        int fd;

        if (unlinkat(directory, STATE_SAVING, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = openat(directory, STATE_SAVING, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        /* where a QEMU begins that is not told the place */
        if (lseek(fd, SAVED_OFFSET, SEEK_SET) < 0) {
                int r = -errno;

                (void) fd_close(fd);
                saved_drop(directory);
                return r;
        }
        return fd;
}

static int write_header(int fd, const char *text)
{
        size_t n = strlen(text);
        ssize_t written;

        if (sizeof(magic) + n > SAVED_OFFSET)
                return -E2BIG;
        written = pwrite(fd, text, n + 1, sizeof(magic) - 1);
        if (written == (ssize_t) n + 1)
                written = pwrite(fd, magic, sizeof(magic) - 1, 0);
        else if (written >= 0)
                return -ENOSPC;
        return written < 0 ? -errno : written < (ssize_t) sizeof(magic) - 1 ? -ENOSPC : 0;
}

static int sync_directory(int directory)
{
        return fsync(directory) < 0 ? -errno : 0;
}

static int change_name(int directory, const char *from, const char *to)
{
        return renameat(directory, from, directory, to) < 0 ? -errno : sync_directory(directory);
}

int saved_finish(int directory, int fd, json_t *header)
{
        _cleanup_(freep) char *text = NULL;
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (json_object_set_new(header, "size", json_integer(st.st_size)) < 0)
                return -ENOMEM;
        text = json_dumps(header, JSON_COMPACT);
        if (!text)
                return -ENOMEM;
        r = write_header(fd, text);
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r < 0)
                return r;
        r = change_name(directory, STATE_SAVING, STATE_SAVED);
        if (r < 0) /* the guest goes on, so the file must not be there under either name */
                (void) unlinkat(directory, STATE_SAVED, 0);
        return r;
}

void saved_drop(int directory)
{
        (void) unlinkat(directory, STATE_SAVING, 0);
}

int saved_parse(const char *data, size_t size, uint64_t file_size, json_t **ret)
{
        const char *text = size >= sizeof(magic) - 1 && memcmp(data, magic, sizeof(magic) - 1) == 0
                                   ? data + sizeof(magic) - 1
                                   : NULL;
        _cleanup_(json_decrefp) json_t *header = NULL;
        const json_t *whole;
        size_t n;

        if (!text)
                return -EBADMSG;
        n = strnlen(text, size - (sizeof(magic) - 1));
        if (n == size - (sizeof(magic) - 1))
                return size < SAVED_OFFSET ? -ENODATA : -EBADMSG;
        header = channel_parse(text, n);
        whole = json_object_get(header, "size");
        if (!json_is_object(json_object_get(header, "machine")) ||
            !json_is_object(json_object_get(header, "disks")) || !json_is_integer(whole) ||
            !json_is_boolean(json_object_get(header, "paused")))
                return -EBADMSG;
        if ((json_int_t) file_size < json_integer_value(whole))
                return -ENODATA;
        if ((json_int_t) file_size > json_integer_value(whole))
                return -EBADMSG;
        *ret = TAKE_PTR(header);
        return 0;
}

static int open_as(int directory, const char *name, int *ret)
{
        _cleanup_(closep) int fd =
                openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        *ret = TAKE_FD(fd);
        return 0;
}

int saved_open(int directory, Saved *ret)
{
        _cleanup_(saved_done) Saved s = SAVED_EMPTY;
        _cleanup_(freep) char *data = NULL;
        struct stat st;
        size_t size;
        int r;

        r = open_as(directory, STATE_SAVED, &s.fd);
        if (r == -ENOENT) {
                s.kind = SAVED_RESTORING;
                r = open_as(directory, STATE_RESTORING, &s.fd);
        }
        if (r < 0)
                return r;
        data = malloc(SAVED_OFFSET);
        if (!data)
                return -ENOMEM;
        r = fstat(s.fd, &st) < 0 ? -errno : file_read_at(s.fd, data, SAVED_OFFSET, 0, &size);
        if (r >= 0)
                r = size == 0 ? -ENODATA : saved_parse(data, size, (uint64_t) st.st_size, &s.header);
        if (r >= 0 && lseek(s.fd, SAVED_OFFSET, SEEK_SET) < 0)
                r = -errno;
        if (r < 0)
                return r;
        *ret = s;
        s = SAVED_EMPTY;
        return 0;
}

void saved_done(Saved *saved)
{
        (void) fd_close(saved->fd);
        json_decref(saved->header);
        *saved = SAVED_EMPTY;
}

int saved_mark(int directory)
{
        int r = change_name(directory, STATE_SAVED, STATE_RESTORING);

        /* it was marked before, by a restore that was interrupted */
        return r == -ENOENT && faccessat(directory, STATE_RESTORING, F_OK, 0) >= 0 ? 0 : r;
}

int saved_unmark(int directory)
{
        return change_name(directory, STATE_RESTORING, STATE_SAVED);
}

int saved_consume(int directory)
{
        int r = 0;

        if (unlinkat(directory, STATE_SAVED, 0) < 0 && errno != ENOENT)
                r = -errno;
        if (unlinkat(directory, STATE_RESTORING, 0) < 0 && errno != ENOENT)
                r = -errno;
        return r < 0 ? r : sync_directory(directory);
}
