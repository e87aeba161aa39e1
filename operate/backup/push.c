/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A push: QEMU writes each disk into a new qcow2 file. An increment's header names the file that it builds
 * on, relative to its own directory, so that qemu-img and QEMU read the chain as one disk.
 *
 * While QEMU copies, what the guest is about to overwrite is copied first, and if that fails so does the
 * guest's write. So the room that the copy needs at most is reserved before: a file system that is too full
 * is no trouble of the guest's.
 *
 * In the end the checkpoint lasts first, then the files get their names, then the launcher lets go. Ended
 * before that, nothing is left but maybe a file that is whole, without a checkpoint.
 */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "operate/backup/backup-private.h"

#define RESERVE_SLACK (UINT64_C(1) << 20)

static char *file_name(const char *target, const char *checkpoint)
{
        return checkpoint ? text_format("%s.%s.qcow2", target, checkpoint) : text_format("%s.qcow2", target);
}

static int open_directory(Backup *b)
{
        b->directory = open(b->request->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return b->directory < 0
                       ? backup_fail(b, -EIO, "cannot open %s: %s", b->request->directory, strerror(errno))
                       : 0;
}

static int check_base(Backup *b, BackupDisk *d)
{
        if (!b->request->since)
                return 0;
        d->base = file_name(d->disk.target, b->request->since);
        if (!d->base)
                return backup_fail(b, -ENOMEM, "out of memory");
        if (faccessat(b->directory, d->base, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return backup_fail(
                        b, -ENOENT, "%s has no %s, on which the increment would build",
                        b->request->directory, d->base);
        return 0;
}

static int create(Backup *b, BackupDisk *d)
{
        _cleanup_(freep) char *name = file_name(d->disk.target, b->request->checkpoint);
        int r = name ? check_base(b, d) : backup_fail(b, -ENOMEM, "out of memory");

        if (r < 0)
                return r;
        r = target_create(&d->target, b->directory, name);
        if (r == -EEXIST)
                return backup_fail(
                        b, r, "%s/%s exists; give the backup another directory or checkpoint",
                        b->request->directory, name);
        if (r == -EBUSY)
                return backup_fail(b, r, "another backup is writing %s/%s", b->request->directory, name);
        return r < 0 ? backup_fail(
                               b, r, "cannot create %s/%s: %s", b->request->directory, name, strerror(-r))
                     : 0;
}

/* The most that the copy can become; 0 if unknown. */
static uint64_t estimate(const Backup *b, const DiskNode *d)
{
        const json_t *bitmap = b->request->since ? disk_bitmap(d, b->request->since) : NULL;
        uint64_t data =
                bitmap ? (uint64_t) json_integer_value(json_object_get(bitmap, "count")) : d->allocated;

        if (data == 0 && !bitmap)
                return 0;
        data = data > d->size ? d->size : data;
        return data + d->size / 4096 + RESERVE_SLACK;
}

static int reserve(Backup *b, BackupDisk *d)
{
        uint64_t size = estimate(b, &d->disk);
        int r = size > 0 ? target_reserve(&d->target, size) : 0;

        return r < 0 ? backup_fail(
                               b, r, "%s has not enough space for disk %s, which may need %llu MiB: %s",
                               b->request->directory, d->disk.target, (unsigned long long) (size >> 20),
                               strerror(-r))
                     : 0;
}

static int copy(Backup *b)
{
        json_t *actions = json_array(), *undo = json_array();

        backup_add_checkpoint(b, actions, undo);
        for (size_t i = 0; i < b->n_disks; i++) {
                BackupDisk *d = &b->disks[i];
                json_t *job = json_pack(
                        "{s:s, s:s, s:s, s:s, s:b}", "job-id", d->job, "device", d->disk.node, "target",
                        d->id, "sync", b->request->since ? "bitmap" : "full", "auto-dismiss", 0);

                if (b->request->since) {
                        (void) json_object_set_new(job, "bitmap", json_string(b->request->since));
                        (void) json_object_set_new(job, "bitmap-mode", json_string("never"));
                }
                actions_add(actions, "blockdev-backup", job);
                (void) json_array_insert_new(
                        undo, 0, steps_command("job-cancel", json_pack("{s:s}", "id", d->job)));
        }
        return backup_start(b, actions, undo);
}

static int name_files(Backup *b)
{
        for (size_t i = 0; i < b->n_disks; i++) {
                Target *t = &b->disks[i].target;
                int r = target_sync(t);

                if (r >= 0)
                        r = target_name(t);
                if (r < 0)
                        return backup_fail(
                                b, r, "cannot finish %s/%s: %s", b->request->directory, t->name,
                                strerror(-r));
        }
        return fsync(b->directory) < 0 && errno != EINVAL
                       ? backup_fail(b, -errno, "cannot sync %s: %s", b->request->directory, strerror(errno))
                       : 0;
}

int backup_push(Backup *b)
{
        int r;

        if (b->request->since && !b->request->checkpoint)
                return backup_fail(b, -EINVAL, "an increment needs a name: give it one with --checkpoint");
        r = backup_choose(b);
        if (r >= 0)
                r = open_directory(b);
        for (size_t i = 0; r >= 0 && i < b->n_disks; i++)
                r = create(b, &b->disks[i]);
        if (r >= 0)
                r = backup_make_images(b, false);
        for (size_t i = 0; r >= 0 && i < b->n_disks; i++)
                r = reserve(b, &b->disks[i]);
        if (r >= 0)
                r = copy(b);
        if (r >= 0)
                r = backup_wait(b, true);
        if (r >= 0)
                r = backup_remove_images(b);
        if (r >= 0)
                r = backup_keep_checkpoint(b, true);
        if (r >= 0)
                r = name_files(b);
        if (r >= 0)
                r = backup_release(b, false);
        for (size_t i = 0; r >= 0 && i < b->n_disks; i++)
                b->link->wrote(b->disks[i].target.name, b->link->userdata);
        return r;
}
