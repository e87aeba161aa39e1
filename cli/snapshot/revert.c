/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl snapshot revert: a new, empty overlay takes the place of whatever lies over the snapshot's images.
 * What the guest wrote since stays in its files: some belong to other snapshots, and the others are named,
 * since nobody but the user knows whether they are still wanted.
 */

#include "cli/snapshot/internal.h"

#include <errno.h>
#include <unistd.h>

#include "cli/snapshot/nvram.h"
#include "contract/exit.h"

#define NAMES_MAX 1000U
#define POLL_USEC 100000
#define OFF_POLLS 300U

/* "/srv/web.s1", "/srv/web.s1-2" … which does not exist. */
static char *free_path(const char *overlay)
{
        size_t n = strlen(overlay);
        const char *dash = strrchr(overlay, '-');

        if (dash && dash[1] && dash[strspn(dash + 1, "0123456789") + 1] == '\0' && strchr(dash, '/') == NULL)
                n = (size_t) (dash - overlay);
        for (unsigned i = 2; i < NAMES_MAX; i++) {
                _cleanup_(freep) char *path = text_format("%.*s-%u", (int) n, overlay, i);

                if (path && access(path, F_OK) < 0 && errno == ENOENT)
                        return TAKE_PTR(path);
        }
        return NULL;
}

static int make_overlay(const SnapshotDisk *d, const char *path)
{
        OverlayRequest q = { .path = path, .base = d->base, .format = d->base_format };
        int r = overlay_size_of(d->base, d->base_format, &q.size);

        if (r < 0)
                return fail(EXIT_OS, "cannot read the size of %s: %s", d->base, strerror(-r));
        r = overlay_create(&q);
        if (r == -ENOEXEC)
                return EXIT_OS;
        return r < 0 ? fail(EXIT_OS, "cannot create %s: %s", path, strerror(-r)) : 0;
}

static bool is_wanted(const Snapshots *all, const char *path)
{
        for (size_t i = 0; i < all->count; i++)
                for (size_t j = 0; j < all->items[i].n_disks; j++)
                        if (streq(all->items[i].disks[j].base, path) ||
                            streq_null(all->items[i].disks[j].overlay, path))
                                return true;
        return false;
}

/* The snapshot has its new overlay already. left: what it leaves in the disk's chain, and nothing refers to.
 */
static int revert_disk(SnapshotChange *c, const SnapshotDisk *d, Strings *left)
{
        _cleanup_(disk_image_done) DiskImage image = { 0 };
        ChainImage chain[CHAIN_IMAGES_MAX];
        Operation *o = &c->change.operation;
        int r = operation_find_disk(o, d->target, &image);
        size_t n = r < 0 ? 0 : disk_image_chain(&image, chain);

        for (size_t i = 0; r >= 0 && i < n && !streq(chain[i].path, d->base); i++)
                if (!is_wanted(&c->all, chain[i].path))
                        r = strings_add(left, chain[i].path);
        r = r < 0 ? r : operation_revert_disk(o, &image, d->former, d->base, d->overlay);
        return change_check(&c->change, r);
}

static int check(const SnapshotCall *s, SnapshotChange *c)
{
        if (c->change.running)
                return fail(
                        EXIT_MISSING, "guest %s runs; stop it first: %s stop '%s', or use --force",
                        c->change.guest, systemctl_of(s->call.user_scope), c->change.unit);
        for (size_t i = 0; i < c->snapshot->n_disks; i++)
                if (access(c->snapshot->disks[i].base, F_OK) < 0)
                        return fail(
                                EXIT_MISSING, "%s, which the snapshot needs, cannot be found: %s",
                                c->snapshot->disks[i].base, strerror(errno));
        return 0;
}

/* Changes the files of the snapshot to name those overlays. 0 or the exit status. */
static int set_overlays(SnapshotChange *c, const Strings *paths)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < c->snapshot->n_disks; i++)
                r = snapshot_set_overlay(&c->snapshot->disks[i], paths->items[i]);
        r = r < 0 ? r : snapshot_save(c->directory, c->change.guest, c->snapshot);
        return r < 0 ? fail(EXIT_OS, "cannot write to %s: %s", c->directory, strerror(-r)) : 0;
}

/* The snapshot's file comes before the definition: a file that names an overlay that the guest has not costs
 * nothing, and the other way round its images would belong to no snapshot. */
static int define(SnapshotChange *c, const Strings *was, const Strings *paths, Strings *left)
{
        int r = set_overlays(c, paths);

        for (size_t i = 0; r == 0 && i < c->snapshot->n_disks; i++)
                r = revert_disk(c, &c->snapshot->disks[i], left);
        r = r ?: change_check(&c->change, operation_sync(&c->change.operation));
        r = r ?: change_apply(&c->change);
        if (r != 0)
                (void) set_overlays(c, was);
        return r;
}

static int revert_external(const SnapshotCall *s, SnapshotChange *c)
{
        _cleanup_(strings_done) Strings left = { 0 }, was = { 0 }, paths = { 0 };
        _cleanup_(copy_done) FileCopy variables = FILE_COPY_EMPTY;
        size_t made = 0;
        int r = check(s, c);

        for (size_t i = 0; r == 0 && i < c->snapshot->n_disks; i++) {
                const SnapshotDisk *d = &c->snapshot->disks[i];

                if (strings_add(&was, d->overlay) < 0 || strings_take(&paths, free_path(d->overlay)) < 0)
                        r = fail(EXIT_OS, "out of memory");
                r = r ?: change_check(&c->change, operation_make(&c->change.operation, paths.items[i]));
                r = r ?: make_overlay(d, paths.items[i]);
                made += r == 0;
        }
        r = r ?: nvram_prepare(&c->change, c->directory, c->snapshot->name, &variables);
        r = r ?: define(c, &was, &paths, &left);
        for (size_t i = 0; r != 0 && i < made; i++)
                (void) unlink(paths.items[i]);
        r = r ?: nvram_restore(&c->change, &variables);
        if (r != 0)
                return r;
        for (size_t i = 0; i < left.count; i++)
                printf("Left behind: what was written since, in %s\n", left.items[i]);
        return 0;
}

/* The guest goes on as it was then. Its devices have to be the same: QEMU ends with half of the other state
 * otherwise. */
static int revert_internal(SnapshotChange *c)
{
        int r = snapshot_check_internal(c);
        bool unknown;

        if (r == 0 && streq(c->snapshot->state, SNAPSHOT_UNFINISHED))
                r =
                        fail(EXIT_BAD_GUEST,
                             "snapshot %s of guest %s was interrupted while it was created; delete it",
                             c->snapshot->name, c->change.guest);
        if (r == 0 && c->snapshot->machine != operation_machine(&c->change.operation))
                r = fail(
                        EXIT_BAD_GUEST,
                        "the devices, processors or memory of guest %s are not the same as in snapshot %s",
                        c->change.guest, c->snapshot->name);
        return r ?: internal_run(&c->change, c->snapshot, INTERNAL_LOAD, &unknown);
}

static int revert(const SnapshotCall *s, SnapshotChange *c)
{
        int r = snapshot_is_internal(c->snapshot) ? revert_internal(c) : revert_external(s, c);

        if (r == 0)
                printf("Reverted guest %s to snapshot %s.\n", c->change.guest, s->name);
        return r;
}

/* systemd hears of it a moment after the launcher has ended. */
static int wait_until_off(const ChangeCall *c)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r = manager_bus(c->call->user_scope, &bus);

        for (unsigned i = 0; r >= 0 && i < OFF_POLLS; i++) {
                _cleanup_(freep) char *state = NULL;

                r = unit_state(bus, c->unit, &state);
                if (r >= 0 && (streq(state, "inactive") || streq(state, "failed")))
                        return 0;
                (void) usleep(POLL_USEC);
        }
        return fail(EXIT_OS, "guest %s does not turn off: %s", c->guest, strerror(r < 0 ? -r : ETIMEDOUT));
}

/* What the guest has in its memory is lost, which is what the user wants. It runs again also if it cannot be
 * reverted. */
static int revert_by_force(const SnapshotCall *s, SnapshotChange *running)
{
        _cleanup_(snapshot_change_done) SnapshotChange c = { 0 };
        int r = verb_kill(&s->call), started;

        r = r ?: wait_until_off(&running->change);
        if (r != 0)
                return r;
        snapshot_change_done(running); /* it has the lock */
        *running = (SnapshotChange){ .change.operation.lock = -EBADF };
        r = snapshot_change_start(s, &c);
        r = r ?: revert(s, &c);
        started = c.change.unit ? change_start_guest(&c.change) : EXIT_OS;
        return r ?: started;
}

int snapshot_revert(const SnapshotCall *s)
{
        _cleanup_(snapshot_change_done) SnapshotChange c = { 0 };
        int r = snapshot_change_start(s, &c);

        if (r != 0)
                return r;
        return s->force && c.change.running && !snapshot_is_internal(c.snapshot) ? revert_by_force(s, &c)
                                                                                 : revert(s, &c);
}
