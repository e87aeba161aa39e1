/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files are written and taken back one by one, in the order of the changes: a change that is ended in the
 * middle leaves whole fragments. Two operators are kept apart by a lock on the guest's file, whichever
 * fragments they write, and each change is checked by a conversion of the whole guest before systemd reads
 * it.
 */

#include "operate/operation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generator/convert/find.h"
#include "operate/operation-private.h"
#include "operate/unfinished.h"
#include "util/file.h"

int operation_fail(Operation *o, int error, const char *format, ...)
{
        va_list ap;
        char *text;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        free(o->why);
        o->why = text;
        return error;
}

#define FRAGMENT_MODE 0600 /* a device's XML may hold passwords */

/* ——— files ——— */

static int make_directories(const char *path)
{
        _cleanup_(freep) char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *p = copy + 1; *p; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                if (mkdir(copy, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        return mkdir(copy, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int remember(Operation *o, const char *path)
{
        FileChange *bigger = reallocarray(o->changes, o->n_changes + 1, sizeof(*bigger));
        FileChange change = { .path = strdup(path), .mode = FRAGMENT_MODE };
        struct stat st;
        size_t size;
        int r;

        if (!bigger || !change.path) {
                free(change.path);
                return -ENOMEM;
        }
        o->changes = bigger;
        r = file_read(AT_FDCWD, path, XML_SIZE_MAX, &change.before, &size);
        if (r < 0 && r != -ENOENT) {
                free(change.path);
                return r;
        }
        if (stat(path, &st) >= 0)
                change.mode = st.st_mode & 07777;
        bigger[o->n_changes++] = change;
        return 0;
}

static int put(const char *path, const char *data, unsigned mode)
{
        if (data)
                return file_write_atomic(AT_FDCWD, path, data, strlen(data), mode, 1);
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* NULL removes the file. */
int operation_write(Operation *o, const char *path, const char *data)
{
        int r = remember(o, path);

        r = r < 0 ? r : unfinished_note(o);
        r = r < 0 ? r : put(path, data, FRAGMENT_MODE);
        return r < 0 ? operation_fail(o, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

char *operation_path(const Operation *o, const char *name)
{
        return text_format("%s/%s.xml", o->directory, name);
}

int operation_remove(Operation *o, const char *name)
{
        const char *const directories[] = { o->directory, o->over };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTS(directories); i++) {
                _cleanup_(freep) char *path =
                        directories[i] ? text_format("%s/%s.xml", directories[i], name) : NULL;

                if (path && access(path, F_OK) >= 0)
                        r = operation_write(o, path, NULL);
        }
        return r;
}

int operation_make(Operation *o, const char *path)
{
        int r = strings_add(&o->made, path);

        r = r < 0 ? r : unfinished_note(o);
        return r < 0 ? operation_fail(o, r, "cannot write %s: %s", o->note, strerror(-r)) : 0;
}

int operation_reload(Operation *o)
{
        int r;

        o->reloads = true;
        r = unfinished_note(o);
        return r < 0 ? operation_fail(o, r, "cannot write %s: %s", o->note, strerror(-r)) : 0;
}

static void forget_changes(Operation *o)
{
        while (o->n_changes > 0) {
                FileChange *change = &o->changes[--o->n_changes];

                free(change->path);
                free(change->before);
        }
}

void operation_settle(Operation *o)
{
        forget_changes(o);
        strings_done(&o->made);
        o->reloads = false;
        if (o->note)
                (void) unfinished_note(o);
}

int operation_revert(Operation *o)
{
        int r = 0;

        while (o->n_changes > 0) {
                FileChange *change = &o->changes[--o->n_changes];
                int result = put(change->path, change->before, change->mode);

                if (result < 0)
                        r = operation_fail(
                                o, result, "cannot restore %s: %s", change->path, strerror(-result));
                free(change->path);
                free(change->before);
        }
        if (o->note)
                (void) unfinished_note(o); /* systemd has not heard of it yet */
        return r;
}

/* ——— the guest ——— */

int operation_convert(Operation *o)
{
        conversion_done(&o->now);
        (void) conversion_start(&o->now, o->host);
        return conversion_file(&o->now, o->file, o->guest);
}

/* What the change made of the guest; it is taken back if that is refused. */
int operation_check(Operation *o)
{
        int r = operation_convert(o);

        if (r < 0)
                (void) operation_revert(o);
        return r == -EPERM ? -EINVAL : r;
}

int operation_lock(Operation *o, const Host *host, const char *guest, const char *file, bool wait)
{
        int r;

        *o = (Operation){ .host = host, .guest = guest, .file = file, .lock = -EBADF };
        o->lock = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        r = o->lock < 0 || flock(o->lock, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0 ? -errno : 0;
        if (r == -EWOULDBLOCK)
                return r;
        return r < 0 ? operation_fail(o, r, "cannot lock %s: %s", file, strerror(-r)) : 0;
}

/* In the directory of guests that goes with a boot. */
static int prepare_note(Operation *o, const char *directory)
{
        int r = make_directories(directory);

        o->note = text_format("%s/.%s.change", directory, o->guest);
        if (r < 0 || !o->note)
                return operation_fail(
                        o, r < 0 ? r : -ENOMEM, "cannot write to %s: %s", directory,
                        strerror(r < 0 ? -r : ENOMEM));
        r = unfinished_end(o);
        if (r >= 0)
                return 0;
        (void) operation_fail(
                o, r, "cannot take back the change that was interrupted, see %s: %s", o->note, strerror(-r));
        free(o->note); /* it stays */
        o->note = NULL;
        return r;
}

int operation_start(Operation *o, Lasting lasting)
{
        _cleanup_(strings_done) Strings directories = { 0 };
        int r = guest_directories(o->host->user_scope, &directories);

        if (r >= 0)
                o->directory = text_format(
                        "%s/%s" FRAGMENT_DIRECTORY, directories.items[lasting == LASTING_ALWAYS ? 0 : 1],
                        o->guest);
        if (r >= 0 && lasting == LASTING_ALWAYS)
                o->over = text_format("%s/%s" FRAGMENT_DIRECTORY, directories.items[1], o->guest);
        if (r < 0 || !o->directory || (lasting == LASTING_ALWAYS && !o->over))
                return operation_fail(o, -ENOMEM, "out of memory");
        r = make_directories(o->directory);
        if (r < 0)
                return operation_fail(o, r, "cannot write to %s: %s", o->directory, strerror(-r));
        r = prepare_note(o, directories.items[1]);
        return r < 0 ? r : operation_convert(o);
}

void operation_done(Operation *o)
{
        conversion_done(&o->now);
        operation_settle(o);
        free(o->note);
        free(o->changes);
        free(o->directory);
        free(o->over);
        free(o->id);
        free(o->why);
        (void) fd_close(o->lock);
}
