/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files are written, systemd reads them, and the guest is reloaded. A process that is killed between these
 * leaves a definition that nobody has checked or carried out, and the next try would find its device there
 * already. So the files as they were, and images that were made, are noted before anything is written. They
 * are taken back by the next change, except if the reload had begun, or systemd has read the files: then
 * QEMU may write to what is new, and the change is carried out to its end.
 *
 * The note is a file of whoever may change the guest, in a directory of theirs that does not outlast a boot,
 * as the run of a guest does not. What it says is trusted like the definition itself.
 */

#include "operate/unfinished.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operate/snapshot.h"
#include "util/file.h"

#define NOTE_SIZE_MAX (64U << 20)
#define TEMPORARY     ".#" /* file_write_atomic() names files so until they are whole */

/* Which file the guest's XML is: another guest may have its name later. */
static json_t *describe_guest(const Operation *o)
{
        struct stat st = { 0 };

        if (o->lock >= 0 && fstat(o->lock, &st) < 0)
                return NULL;
        return json_pack(
                "[I, I, I, I]", (json_int_t) st.st_dev, (json_int_t) st.st_ino,
                (json_int_t) st.st_ctim.tv_sec, (json_int_t) st.st_ctim.tv_nsec);
}

static json_t *describe(const Operation *o)
{
        json_t *files = json_array(), *made = json_array();

        for (size_t i = 0; i < o->n_changes; i++) {
                const FileChange *c = &o->changes[i];

                (void) json_array_append_new(
                        files, json_pack(
                                       "{s:s, s:i, s:s?}", "path", c->path, "mode", (int) c->mode, "before",
                                       c->before));
        }
        for (size_t i = 0; i < o->made.count; i++)
                (void) json_array_append_new(made, json_string(o->made.items[i]));
        if (json_array_size(files) != o->n_changes || json_array_size(made) != o->made.count) {
                json_decref(files);
                json_decref(made);
                return NULL;
        }
        return json_pack(
                "{s:o, s:b, s:o, s:o}", "guest", describe_guest(o), "reloads", o->reloads, "files", files,
                "made", made);
}

/* Under the lock there is one at a time, and what it left when it was killed is replaced. */
static int write_note(const char *path, const char *text)
{
        _cleanup_(freep) char *directory = path_directory(path), *temporary = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        temporary = directory ? text_format("%s/" TEMPORARY "%s", directory, strrchr(path, '/') + 2) : NULL;
        if (!temporary)
                return -ENOMEM;
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0 && fd >= 0)
                (void) unlink(temporary);
        return r;
}

int unfinished_note(const Operation *o)
{
        json_t *note;
        char *text;
        int r;

        if (o->n_changes == 0 && o->made.count == 0 && !o->reloads)
                return unlink(o->note) < 0 && errno != ENOENT ? -errno : 0;
        note = describe(o);
        text = note ? json_dumps(note, JSON_COMPACT) : NULL;
        r = text ? write_note(o->note, text) : -ENOMEM;
        free(text);
        json_decref(note);
        return r;
}

static void remove_temporary(const char *directory)
{
        _cleanup_(closedirp) DIR *dir = directory ? opendir(directory) : NULL;
        struct dirent *entry;

        while (dir && (entry = readdir(dir)))
                if (text_after(entry->d_name, TEMPORARY))
                        (void) unlinkat(dirfd(dir), entry->d_name, 0);
}

static int take_back_file(const json_t *file)
{
        const char *path = json_string_value(json_object_get(file, "path")),
                   *before = json_string_value(json_object_get(file, "before"));
        _cleanup_(freep) char *parent = path ? path_directory(path) : NULL;

        if (!parent)
                return -EBADMSG;
        remove_temporary(parent);
        if (before)
                return file_write_atomic(
                        AT_FDCWD, path, before, strlen(before),
                        (mode_t) json_integer_value(json_object_get(file, "mode")), 1);
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* With the directory of snapshots, if there is no other. */
static void remove_made(const char *path)
{
        _cleanup_(freep) char *parent = path_directory(path);

        (void) unlink(path);
        if (!parent || !text_ends_with(parent, SNAPSHOT_DIRECTORY))
                return;
        remove_temporary(parent);
        (void) rmdir(parent);
}

/*
 * systemd may have read the definition since, for another reason, and have started the guest with it. It
 * makes the directory of what generators write anew each time. The note is in RUN/vmunit/guests/.
 */
static bool was_read(const char *note)
{
        _cleanup_(freep) char *generated = NULL, *directory = path_directory(note);
        struct stat noted, read;

        generated = directory ? text_format("%s/../../systemd/generator", directory) : NULL;
        return !generated || stat(note, &noted) < 0 ||
               (stat(generated, &read) >= 0 && (read.st_ctim.tv_sec > noted.st_mtim.tv_sec ||
                                                (read.st_ctim.tv_sec == noted.st_mtim.tv_sec &&
                                                 read.st_ctim.tv_nsec >= noted.st_mtim.tv_nsec)));
}

static int take_back(const json_t *note)
{
        const json_t *files = json_object_get(note, "files"), *made = json_object_get(note, "made");
        int r = 0;

        for (size_t i = json_array_size(files); r >= 0 && i-- > 0;)
                r = take_back_file(json_array_get(files, i));
        for (size_t i = 0; r >= 0 && i < json_array_size(made); i++)
                if (json_is_string(json_array_get(made, i)))
                        remove_made(json_string_value(json_array_get(made, i)));
        return r;
}

int unfinished_end(Operation *o)
{
        _cleanup_(freep) char *text = NULL;
        json_t *note, *guest;
        size_t size;
        bool reloads;
        int r = file_read(AT_FDCWD, o->note, NOTE_SIZE_MAX, &text, &size);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        note = json_loadb(text, size, 0, NULL);
        guest = describe_guest(o);
        o->interrupted = guest && json_equal(json_object_get(note, "guest"), guest);
        reloads = json_is_true(json_object_get(note, "reloads")) || was_read(o->note);
        if (o->interrupted && !(reloads && json_array_size(json_object_get(note, "files")) > 0))
                r = take_back(note);
        json_decref(guest);
        json_decref(note);
        return r;
}
