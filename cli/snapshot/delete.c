/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl snapshot delete: each of its overlays is merged into the image behind it, one disk after the other.
 * If this ends in the middle, the disks that are done have one image less, and the next try does the others.
 * The files go last.
 */

#include "cli/snapshot/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/image/merge.h"
#include "cli/running/client.h"
#include "cli/snapshot/internal.h"
#include "contract/exit.h"

typedef enum Where {
        WHERE_NO_DISK, /* the guest has no such disk any more */
        WHERE_NOT,     /* the image is none of the disk's */
        WHERE_THERE,
} Where;

static bool is_same_file(const char *a, const char *b)
{
        struct stat x, y;

        return streq(a, b) ||
               (stat(a, &x) >= 0 && stat(b, &y) >= 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/* 0 or the exit status. ret_at: the place in the disk's chain. */
static int find_image(SnapshotChange *c, const char *target, const char *path, Where *ret, size_t *ret_at)
{
        _cleanup_(disk_image_done) DiskImage image = { 0 };
        ChainImage chain[CHAIN_IMAGES_MAX];
        int r = operation_find_disk(&c->change.operation, target, &image);
        size_t n;

        if (r < 0 && r != -ENOENT)
                return change_check(&c->change, r);
        *ret = r < 0 ? WHERE_NO_DISK : WHERE_NOT;
        n = r < 0 ? 0 : disk_image_chain(&image, chain);
        for (size_t i = 0; i < n && *ret != WHERE_THERE; i++)
                if (is_same_file(chain[i].path, path)) {
                        *ret = WHERE_THERE;
                        *ret_at = i;
                }
        return 0;
}

/* A merge changes an image that other branches may have behind them, too. */
static int check_branch(SnapshotChange *c, const Snapshot *other, const char *target)
{
        const SnapshotDisk *d = snapshot_find_disk(other, target);
        Where where;
        size_t at;
        int r;

        if (other == c->snapshot || !d || !d->overlay)
                return 0;
        r = find_image(c, target, d->overlay, &where, &at);
        if (r != 0 || where == WHERE_THERE)
                return r;
        return fail(
                EXIT_BAD_GUEST,
                "snapshot %s is of another branch, and may need the images that would be changed; delete "
                "that first",
                other->name);
}

/* Snapshots inside of an image would be lost with it. */
static int check_inside(const SnapshotChange *c, const SnapshotDisk *d)
{
        for (size_t i = 0; i < c->all.count; i++) {
                const SnapshotDisk *other = snapshot_find_disk(&c->all.items[i], d->target);

                if (other && !other->overlay && streq(other->base, d->overlay))
                        return fail(
                                EXIT_BAD_GUEST, "snapshot %s is inside of %s; delete that first",
                                c->all.items[i].name, d->overlay);
        }
        return 0;
}

static int merge_disk(SnapshotChange *c, const SnapshotDisk *d)
{
        Where where;
        size_t at;
        int r;

        r = find_image(c, d->target, d->overlay, &where, &at);
        if (r != 0 || where != WHERE_THERE)
                return r;
        r = check_inside(c, d);
        for (size_t i = 0; r == 0 && i < c->all.count; i++)
                r = check_branch(c, &c->all.items[i], d->target);
        return r ?: merge_images(&c->change, d->target, at, 1);
}

/* Whether another snapshot has that image, under its overlay or as one. */
static bool is_needed(const SnapshotChange *c, const char *path)
{
        for (size_t i = 0; i < c->all.count; i++)
                for (size_t j = 0; j < c->all.items[i].n_disks; j++) {
                        const SnapshotDisk *d = &c->all.items[i].disks[j];

                        if (&c->all.items[i] != c->snapshot &&
                            (streq(d->base, path) || streq_null(d->overlay, path)))
                                return true;
                }
        return false;
}

/* A snapshot that was made on top has, for that disk, what is behind it now. */
static int adopt_disk(SnapshotDisk *child, const SnapshotDisk *gone)
{
        char *base = strdup(gone->base), *format = strdup(gone->base_format), *former = strdup(gone->former);

        if (!base || !format || !former) {
                free(base);
                free(format);
                free(former);
                return -ENOMEM;
        }
        free(child->base);
        free(child->base_format);
        free(child->former);
        child->base = base;
        child->base_format = format;
        child->former = former;
        return 1;
}

/* One that was made further up has one image less in its chain. */
static int shorten_disk(SnapshotDisk *other, const SnapshotDisk *gone)
{
        char *former = NULL;
        int r = disk_text_drop_image(other->former, gone->overlay, &former);

        if (r <= 0)
                return r;
        free(other->former);
        other->former = former;
        return 1;
}

static int save(const SnapshotChange *c, const Snapshot *s, int r)
{
        if (r > 0)
                r = snapshot_save(c->directory, c->change.guest, s);
        return r < 0 ? fail(EXIT_OS, "cannot write to %s: %s", c->directory, strerror(-r)) : 0;
}

/* The overlay is in no chain any more, and none of the others' files may name it. 0 or the exit status. */
static int adopt(SnapshotChange *c, const SnapshotDisk *gone)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < c->all.count; i++) {
                Snapshot *other = &c->all.items[i];
                SnapshotDisk *d = (SnapshotDisk *) snapshot_find_disk(other, gone->target);

                if (d && other != c->snapshot)
                        r = save(
                                c, other,
                                streq(d->base, gone->overlay) ? adopt_disk(d, gone) : shorten_disk(d, gone));
        }
        return r;
}

static int adopt_child(SnapshotChange *c, Snapshot *child)
{
        const Snapshot *gone = c->snapshot;

        if (child == gone || !streq_null(child->parent, gone->name))
                return 0;
        free(child->parent);
        child->parent = gone->parent ? strdup(gone->parent) : NULL;
        return save(c, child, gone->parent && !child->parent ? -ENOMEM : 1);
}

/* A definition may not have been carried out, or the guest was started with an earlier one. 0 or the exit
 * status. */
static int check_unused(SnapshotChange *c, const char *path)
{
        json_t *reply = NULL, *disk, *layer;
        struct stat st;
        size_t i, j;
        int r;

        if (stat(path, &st) < 0)
                return 0;
        r = change_find_state(&c->change);
        if (r != 0 || !c->change.running)
                return r;
        r = client_query(c->change.call, json_pack("{s:[]}", "commands"), &reply);
        json_array_foreach(json_object_get(reply, "disks"), i, disk) {
                json_array_foreach(json_object_get(disk, "layers"), j, layer) {
                        json_t *inode = json_object_get(layer, "fileInode"),
                               *device = json_object_get(layer, "fileDevice");

                        if (r == 0 && json_integer_value(inode) == (json_int_t) st.st_ino &&
                            json_integer_value(device) == (json_int_t) st.st_dev)
                                r =
                                        fail(EXIT_MISSING, "guest %s still has %s, until it is restarted",
                                             c->change.guest, path);
                }
        }
        json_decref(reply);
        return r;
}

/* An image that nothing refers to any more is left to the user. */
static int remove_overlay(SnapshotChange *c, const SnapshotDisk *d)
{
        Where where = WHERE_NOT;
        size_t at;
        int r = find_image(c, d->target, d->overlay, &where, &at);

        if (r == 0 && where == WHERE_NO_DISK)
                printf("Left behind: image %s of disk %s, which the guest has not any more\n", d->overlay,
                       d->target);
        if (r != 0 || where != WHERE_NOT)
                return r;
        r = check_unused(c, d->overlay);
        if (r != 0)
                return r;
        if (unlink(d->overlay) < 0 && errno != ENOENT)
                return fail(EXIT_OS, "cannot remove %s: %s", d->overlay, strerror(errno));
        r = find_image(c, d->target, d->base, &where, &at);
        if (r == 0 && where == WHERE_NOT && !is_needed(c, d->base))
                printf("Left behind: image %s\n", d->base);
        return r;
}

static int forget(SnapshotChange *c)
{
        Snapshot *s = c->snapshot;
        int r = 0;

        for (size_t i = 0; r == 0 && i < c->all.count; i++)
                r = adopt_child(c, &c->all.items[i]);
        for (size_t i = 0; r == 0 && i < s->n_disks; i++)
                r = s->disks[i].overlay ? remove_overlay(c, &s->disks[i]) : 0;
        if (r != 0)
                return r;
        r = snapshot_remove(c->directory, s->name);
        return r < 0 ? fail(EXIT_OS, "cannot write to %s: %s", c->directory, strerror(-r)) : 0;
}

/* Whether the overlay was merged before, by a try that did not come further: what is under it is in the
 * chain, and so is what another snapshot has over it. */
static int was_merged(SnapshotChange *c, const SnapshotDisk *d, bool *ret)
{
        Where where;
        size_t at;
        int r = find_image(c, d->target, d->base, &where, &at);

        *ret = false;
        if (r != 0 || where != WHERE_THERE)
                return r;
        for (size_t i = 0; r == 0 && !*ret && i < c->all.count; i++) {
                const SnapshotDisk *other = snapshot_find_disk(&c->all.items[i], d->target);

                if (!other || !other->overlay || !streq(other->base, d->overlay))
                        continue;
                r = find_image(c, d->target, other->overlay, &where, &at);
                *ret = r == 0 && where == WHERE_THERE;
        }
        return r;
}

/* An overlay that the guest has left, and on which another snapshot was made. */
static int check_needed(SnapshotChange *c)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < c->snapshot->n_disks; i++) {
                const SnapshotDisk *d = &c->snapshot->disks[i];
                bool merged;
                Where where;
                size_t at;

                r = d->overlay ? find_image(c, d->target, d->overlay, &where, &at) : 0;
                if (r != 0 || !d->overlay || where == WHERE_THERE || !is_needed(c, d->overlay))
                        continue;
                r = was_merged(c, d, &merged);
                if (r == 0)
                        r = merged ? adopt(c, d)
                                   : fail(EXIT_BAD_GUEST,
                                          "snapshot %s is of a branch that the guest has left, and another "
                                          "one "
                                          "was made "
                                          "on it; delete that first",
                                          c->snapshot->name);
        }
        return r;
}

/* Each disk's newest image has to be the one with the snapshot. */
int snapshot_check_internal(SnapshotChange *c)
{
        int r = 0;

        if (!c->change.running)
                return fail(
                        EXIT_MISSING,
                        "snapshot %s is inside of the guest's images, which QEMU changes: start the guest "
                        "first",
                        c->snapshot->name);
        for (size_t i = 0; r == 0 && i < c->snapshot->n_disks; i++) {
                const SnapshotDisk *d = &c->snapshot->disks[i];
                Where where = WHERE_NOT;
                size_t at = 0;

                r = find_image(c, d->target, d->base, &where, &at);
                if (r == 0 && (where != WHERE_THERE || at != 0))
                        r =
                                fail(EXIT_BAD_GUEST,
                                     "snapshot %s is inside of %s, which is not what disk %s writes now",
                                     c->snapshot->name, d->base, d->target);
        }
        return r;
}

static int delete_internal(SnapshotChange *c)
{
        int r = snapshot_check_internal(c);
        bool unknown;

        return r ?: internal_run(&c->change, c->snapshot, INTERNAL_DELETE, &unknown);
}

static int delete_external(SnapshotChange *c)
{
        int r = check_needed(c);

        if (r == 0 && c->change.running) /* what a process that was killed has left to do */
                r = change_apply(&c->change);
        for (size_t i = 0; r == 0 && i < c->snapshot->n_disks; i++) {
                r = merge_disk(c, &c->snapshot->disks[i]);
                r = r ?: adopt(c, &c->snapshot->disks[i]);
        }
        return r;
}

int snapshot_delete(const SnapshotCall *s)
{
        _cleanup_(snapshot_change_done) SnapshotChange c = { 0 };
        int r = snapshot_change_start(s, &c);

        if (r == 0)
                r = snapshot_is_internal(c.snapshot) ? delete_internal(&c) : delete_external(&c);
        r = r ?: forget(&c);
        if (r == 0)
                printf("Deleted snapshot %s of guest %s.\n", s->name, c.change.guest);
        return r;
}
