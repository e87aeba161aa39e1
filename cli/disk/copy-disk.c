/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl copy-disk: QEMU's job copies all that a disk has, with what is behind its image, to a new file or to
 * a block device, while the guest goes on. When both are alike, the copy ends there, or the guest goes on
 * with it.
 *
 * QEMU gets the copy by descriptor, and the file has no name until it is whole. All of it is held by this
 * process's connection: if that ends, the launcher ends the job, and the file is gone. From when it has its
 * name until the definition names it, it is noted for the next change, which removes it.
 *
 * The guest stands still while its definition changes to the copy, which then has all that was written, and
 * has to be the one on which a QEMU starts after a crash; systemctl reload ends the job. From right before
 * the definition changes, the job is not cancelled if this process ends: it goes on copying until a reload,
 * or until the next copy.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/disk/copy-private.h"
#include "cli/image/freeze.h"
#include "cli/running/disks.h"
#include "cli/snapshot/snapshot.h"
#include "contract/exit.h"
#include "contract/fd-name.h"
#include "contract/words.h"
#include "guest/xml/field.h"
#include "operate/move.h"
#include "util/file.h"

static void copy_done(Copy *c)
{
        job_done(&c->job);
        target_done(&c->file);
        (void) fd_close(c->exclusive);
        (void) fd_close(c->directory);
        (void) fd_close(c->lock);
        json_decref(c->storage);
        json_decref(c->node);
        free(c->format);
        free(c->path);
        free(c->source);
        free(c->image);
        free(c->top);
}

/* ——— the request ——— */

static int read_speed(const char *text, uint64_t *ret)
{
        _cleanup_(freep) char *number = strdup(text);
        size_t digits = strspn(text, "0123456789");

        if (!number)
                return fail(EXIT_OS, "out of memory");
        number[digits] = '\0';
        if (size_parse(number, text[digits] ? text + digits : NULL, 1, ret) >= 0 && *ret > 0 &&
            *ret <= INT64_MAX)
                return 0;
        return fail(
                EXIT_BAD_USAGE,
                "--bandwidth=%s: expected a number of bytes a second, or one with a unit, such as 50MiB",
                text);
}

static int read_options(const Call *call, Copy *c)
{
        int r = 0;

        for (int i = 0; r == 0 && i < call->n_extras; i++) {
                const char *format = text_after(call->extras[i], "format="),
                           *speed = text_after(call->extras[i], "bandwidth=");

                if (format && !streq(format, "raw") && !streq(format, "qcow2"))
                        r = fail(EXIT_BAD_USAGE, "--format must be one of: raw, qcow2");
                else if (format) {
                        free(c->format);
                        c->format = strdup(format);
                        r = c->format ? 0 : fail(EXIT_OS, "out of memory");
                } else if (speed)
                        r = read_speed(speed, &c->speed);
        }
        c->pivot = call_has(call, "pivot");
        return r;
}

/* ——— what is copied ——— */

/* As the next start would have them, if the guest is to go on with the copy. */
static int choose_nodes(Copy *c, ChangeCall *change, const DiskImage *image)
{
        const ChainImage to = { c->path, c->format, c->block };
        const char *driver = c->block ? "host_device" : "file";

        if (c->pivot)
                return change_check(
                        change, operation_try_move(&change->operation, image, &to, &c->storage, &c->node));
        c->storage = json_pack("{s:s, s:s}", "driver", driver, "discard", "unmap");
        c->node = streq(c->format, "raw") ? NULL
                                          : json_pack("{s:s, s:s}", "driver", c->format, "discard", "unmap");
        return c->storage ? 0 : fail(EXIT_OS, "out of memory");
}

/* Of snapshots that would not be part of the disk any more. */
static int check_snapshots(const Copy *c, const DiskImage *image)
{
        _cleanup_(freep) char *directory = snapshots_directory(c->inner.user_scope, c->inner.words[0]);
        _cleanup_(snapshots_done) Snapshots all = { 0 };
        ChainImage chain[CHAIN_IMAGES_MAX];
        int r = directory ? snapshot_load_all(directory, &all) : fail(EXIT_OS, "out of memory");
        size_t n = disk_image_chain(image, chain);

        return r ?: snapshot_check_chain(&all, c->target, chain, n, n);
}

static int find_disk(Copy *c, const DiskImage *image)
{
        _cleanup_(closep) int fd = open(image->path, O_PATH | O_CLOEXEC);
        json_t *reply = NULL;
        const json_t *disk, *top;
        const char *node;
        json_int_t size;
        int r = job_query(&c->job, "query-block", &reply);

        if (r != 0)
                return r;
        disk = disks_find(reply, c->target);
        top = json_array_get(json_object_get(disk, "layers"), 0);
        node = disks_node(reply, c->target);
        size = node ? disks_size(reply, node) : -1;
        if (!top || !*json_text(disk, "device"))
                r =
                        fail(EXIT_MISSING,
                             "QEMU opened the image of disk %s itself, and is given no other (see Disks= in "
                             "vmunit.conf)",
                             c->target);
        else if (size <= 0)
                r = fail(EXIT_MISSING, "QEMU does not say how large disk %s is", c->target);
        else
                r = job_check_file(&c->job, top, image->path, fd);
        if (r == 0 && fstat(fd, &c->like) < 0)
                r = fail(EXIT_OS, "cannot stat %s: %s", image->path, strerror(errno));
        if (r == 0) {
                free(c->image);
                free(c->top);
                free(c->job.id);
                c->size = (uint64_t) size;
                c->image = strdup(json_text(top, "node"));
                c->job.id = text_format(COPY_JOB "%s", json_text(disk, "device"));
                c->top = strdup(node);
                r = c->image && c->top && c->job.id ? 0 : fail(EXIT_OS, "out of memory");
        }
        json_decref(reply);
        return r;
}

/* Who was killed may have left a definition that has not been carried out. */
static int carry_out(Copy *c, ChangeCall *change, const DiskImage *image)
{
        json_t *reply = NULL;
        const json_t *top;
        struct stat st;
        int r = job_query(&c->job, "query-status", &reply);

        top = json_array_get(json_object_get(disks_find(reply, c->target), "layers"), 0);
        if (r == 0 && top && stat(image->path, &st) >= 0 &&
            (json_integer_value(json_object_get(top, "fileInode")) != (json_int_t) st.st_ino ||
             json_integer_value(json_object_get(top, "fileDevice")) != (json_int_t) st.st_dev))
                r = change_apply(change);
        json_decref(reply);
        return r;
}

/* One copy of a guest at a time, so that what another has left is known to be left. */
static int lock(Copy *c, const ChangeCall *change)
{
        c->lock = open(change->operation.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (c->lock >= 0 && flock(c->lock, LOCK_EX | LOCK_NB) >= 0)
                return 0;
        return errno == EWOULDBLOCK
                       ? fail(EXIT_MISSING, "a disk of guest %s is being copied already", change->guest)
                       : fail(EXIT_OS, "cannot lock %s: %s", change->operation.directory, strerror(errno));
}

/* While the definition cannot change. */
static int prepare(Copy *c, const char *path)
{
        _cleanup_(change_done) ChangeCall change = { 0 };
        _cleanup_(disk_image_done) DiskImage image = { 0 };
        int r = change_start(&c->inner, &change);

        if (r == 0 && !change.running)
                r = fail(EXIT_MISSING, "guest %s is off; qemu-img convert copies a disk then", change.guest);
        r = r ?: change_check(&change, operation_find_disk(&change.operation, c->target, &image));
        r = r ?: copy_find_target(c, path);
        if (r == 0 && !c->format && !(c->format = strdup(c->block ? "raw" : image.format)))
                r = fail(EXIT_OS, "out of memory");
        if (c->pivot)
                r = r ?: copy_check_way(c) ?: check_snapshots(c, &image);
        r = r ?: choose_nodes(c, &change, &image);
        r = r ?: lock(c, &change);
        r = r ?: job_open(&c->job);
        r = r ?: carry_out(c, &change, &image);
        r = r ?: find_disk(c, &image);
        if (r == 0)
                c->source = TAKE_PTR(image.path);
        return r;
}

/* ——— the end ——— */

static int name_file(Copy *c)
{
        int r = c->block ? (fsync(c->file.fd) < 0 ? -errno : 0) : target_sync(&c->file);

        if (r >= 0 && !c->block)
                r = target_name(&c->file);
        if (r >= 0 && !c->block && fsync(c->directory) < 0 && errno != EINVAL) {
                r = -errno;
                (void) unlinkat(c->directory, c->file.name, 0);
        }
        return r < 0 ? fail(EXIT_OS, "cannot finish %s: %s", c->path, strerror(-r)) : 0;
}

/* QEMU ends the job when both are alike, and writes out what the copy's format has in memory. */
static int leave(Copy *c)
{
        Freeze freeze = FREEZE_EMPTY;
        bool frozen;
        int r;

        freeze_begin(c->job.call, &freeze);
        r = job_execute(
                &c->job,
                json_pack(
                        "[{s:s, s:{s:s}}]", "execute", "block-job-cancel", "arguments", "device", c->job.id),
                false, (ClientFds){ 0 }, NULL);
        r = r ?: job_wait(&c->job, "concluded", false);
        frozen = freeze_end(&freeze);
        r = r ?: job_release(&c->job, true);
        r = r ?: name_file(c);
        if (r == 0)
                printf("Copied disk %s of guest %s to %s%s.\n", c->target, c->inner.words[0], c->path,
                       frozen ? ", with its file systems frozen" : "");
        return r;
}

static void nothing(ChangeCall *change, void *userdata)
{
}

static int is_done(ChangeCall *change, void *userdata)
{
        const Copy *c = userdata;
        json_t *reply = NULL;
        const json_t *disk, *top;
        struct stat st;
        int r = client_query(change->call, json_pack("{s:[]}", "commands"), &reply);

        disk = disks_find(reply, c->target);
        top = json_array_get(json_object_get(disk, "layers"), 0); /* none if that waits for a restart */
        if (r != 0 || !disk || fstat(c->file.fd, &st) < 0)
                r = -EIO;
        else
                r = json_integer_value(json_object_get(top, "fileInode")) == (json_int_t) st.st_ino &&
                    json_integer_value(json_object_get(top, "fileDevice")) == (json_int_t) st.st_dev;
        json_decref(reply);
        return r;
}

static const ChangeHooks hooks = { nothing, nothing, is_done };

static int define(Copy *c, ChangeCall *change, const DiskImage *image)
{
        const ChainImage to = { c->path, c->format, c->block };
        Operation *o = &change->operation;
        int r = operation_move_disk(o, image, &to);

        r = r < 0 ? r : operation_sync(o);
        r = change_check(change, r);
        if (r != 0)
                return r;
        change->hooks = &hooks;
        change->userdata = c;
        r = change_apply(change);
        if (r == 0)
                operation_settle(o);
        return r;
}

static int flush(Copy *c)
{
        _cleanup_(freep) char *node = c->node ? fd_name_copy_format(c->set) : fd_name_copy_storage(c->set);

        return node ? job_flush(&c->job, node) : fail(EXIT_OS, "out of memory");
}

/* If this process is killed before the definition names the file, the next change removes it. */
static int name_noted_file(Copy *c, ChangeCall *change)
{
        int r = 0;

        if (!c->block && faccessat(c->directory, c->file.name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return fail(EXIT_OS, "cannot finish %s: %s", c->path, strerror(EEXIST));
        if (!c->block)
                r = change_check(change, operation_make(&change->operation, c->path));
        return r ?: name_file(c);
}

static int move(Copy *c, ChangeCall *change, const DiskImage *image)
{
        int r = job_hold_still(&c->job);

        r = r ?: job_wait(&c->job, "ready", true);
        r = r ?: flush(c);
        r = r ?: name_noted_file(c, change);
        if (r != 0)
                return r;
        r = job_release(&c->job, false);
        r = r ?: job_check_still(&c->job);
        r = r ?: define(c, change, image);
        job_let_go_on(&c->job);
        if (r == 0 || change->kept)
                return r;
        (void) copy_remove(c, c->job.id, c->set);
        if (!c->block)
                (void) unlinkat(c->directory, c->file.name, 0);
        return r;
}

/* Much is written to the device before the guest has to wait for it. */
static int pivot(Copy *c)
{
        _cleanup_(change_done) ChangeCall change = { 0 };
        _cleanup_(disk_image_done) DiskImage image = { 0 };
        int r;

        if (fsync(c->file.fd) < 0)
                return fail(EXIT_OS, "cannot write %s to its device: %s", c->path, strerror(errno));
        r = change_start(&c->inner, &change);
        r = r ?: change_check(&change, operation_find_disk(&change.operation, c->target, &image));
        r = r ?: check_snapshots(c, &image);
        r = r ?: find_disk(c, &image);
        r = r ?: move(c, &change, &image);
        if (r == 0)
                printf("Moved disk %s of guest %s to %s.\nLeft behind: image %s, which guest %s does not "
                       "need any more\n",
                       c->target, change.guest, c->path, c->source, change.guest);
        return r;
}

int verb_copy_disk(const Call *call)
{
        _cleanup_(copy_done) Copy c = { .inner = { .verb = call->verb,
                                                   .user_scope = call->user_scope,
                                                   .option = "persistent",
                                                   .n_words = 1 },
                                        .words = { call->words[0] },
                                        .target = call->words[1],
                                        .lock = -EBADF,
                                        .directory = -EBADF,
                                        .exclusive = -EBADF,
                                        .file = TARGET_EMPTY };
        int r = read_options(call, &c);

        c.inner.words = c.words;
        c.job = (DiskJob){ .call = &c.inner,
                           .target = c.target,
                           .what = "copy a disk of",
                           .doing = "copying",
                           .client = CLIENT_EMPTY,
                           .still = CLIENT_EMPTY };
        r = r ?: prepare(&c, call->words[2]);
        r = r ?: copy_run(&c);
        return r ?: c.pivot ? pivot(&c) : leave(&c);
}
