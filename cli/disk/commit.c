/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl commit: what a guest has written into its newest images is written into one behind them, which the
 * guest has from then on. */

#include "cli/disk/merge.h"
#include "cli/disk/snapshot.h"
#include "contract/exit.h"

/* The place of the image in the chain: the one behind the newest if none is named. */
static int find_base(
        const DiskImage *image, const char *path, const ChainImage *chain, size_t n, size_t *ret)
{
        if (n < 2)
                return fail(
                        EXIT_BAD_GUEST,
                        "the definition of disk %s names no image behind %s (<backingStore>)", image->target,
                        image->path);
        *ret = 1;
        while (path && *ret < n && !streq(chain[*ret].path, path))
                ++*ret;
        return *ret < n ? 0
                        : fail(EXIT_BAD_GUEST, "the definition of disk %s does not name %s behind %s",
                               image->target, path, image->path);
}

/* Those that snapshots need go with vmctl snapshot delete. */
static int check_snapshots(const Snapshots *all, const char *target, const ChainImage *chain, size_t n)
{
        for (size_t i = 0; i < all->count; i++) {
                const SnapshotDisk *d = snapshot_find_disk(&all->items[i], target);

                for (size_t j = 0; d && j <= n; j++)
                        if (streq(d->base, chain[j].path) ||
                            (j < n && streq_null(d->overlay, chain[j].path)))
                                return fail(
                                        EXIT_BAD_GUEST,
                                        "%s is part of snapshot %s: see vmctl snapshot delete",
                                        chain[j].path, all->items[i].name);
        }
        return 0;
}

static int commit(ChangeCall *c, const char *target, const char *path, const Snapshots *all)
{
        _cleanup_(disk_image_done) DiskImage image = { 0 };
        _cleanup_(strings_done) Strings left = { 0 };
        ChainImage chain[CHAIN_IMAGES_MAX];
        size_t n = 0;
        int r = change_check(c, operation_find_disk(&c->operation, target, &image));

        r = r ?: find_base(&image, path, chain, disk_image_chain(&image, chain), &n);
        r = r ?: check_snapshots(all, target, chain, n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = strings_add(&left, chain[i].path) < 0 ? fail(EXIT_OS, "out of memory") : 0;
        r = r ?: merge_images(c, target, 0, n);
        for (size_t i = 0; r == 0 && i < left.count; i++)
                printf("Left behind: image %s, which guest %s does not need any more\n", left.items[i],
                       c->guest);
        return r;
}

int verb_commit(const Call *call)
{
        char *words[] = { call->words[0], NULL };
        const Call inner = { .verb = call->verb,
                             .user_scope = call->user_scope,
                             .option = "persistent",
                             .n_words = 1,
                             .words = words };
        _cleanup_(change_done) ChangeCall c = { 0 };
        _cleanup_(snapshots_done) Snapshots all = { 0 };
        _cleanup_(freep) char *directory = NULL;
        int r = change_start(&inner, &c);

        if (r != 0)
                return r;
        if (!c.running)
                return fail(
                        EXIT_MISSING,
                        "guest %s is off, and its images are not opened with root's rights: start it, and "
                        "commit while it runs",
                        c.guest);
        directory = snapshots_directory(call->user_scope, c.guest);
        r = directory ? snapshot_load_all(directory, &all) : fail(EXIT_OS, "out of memory");
        return r ?: commit(&c, call->words[1], call->n_words > 2 ? call->words[2] : NULL, &all);
}
