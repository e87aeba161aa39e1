/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl commit: what a guest has written into its newest images is written into one behind them, which the
 * guest has from then on. With --pull, the newest image gets what is behind it, and the guest keeps that. */

#include "cli/image/merge.h"
#include "cli/snapshot/snapshot.h"
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

static int note_paths(Strings *paths, const ChainImage *chain, size_t n)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = strings_add(paths, chain[i].path);
        return r < 0 ? fail(EXIT_OS, "out of memory") : 0;
}

static int print_left(const ChangeCall *c, const Strings *left)
{
        for (size_t i = 0; i < left->count; i++)
                printf("Left behind: image %s, which guest %s does not need any more\n", left->items[i],
                       c->guest);
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
        r = r ?: snapshot_check_chain(all, target, chain, n + 1, n);
        r = r ?: note_paths(&left, chain, n);
        r = r ?: merge_images(c, target, 0, n);
        return r ?: print_left(c, &left);
}

/* The images before the one that is named, or all. */
static int pull(ChangeCall *c, const char *target, const char *path, const Snapshots *all)
{
        _cleanup_(disk_image_done) DiskImage image = { 0 };
        _cleanup_(strings_done) Strings left = { 0 };
        ChainImage chain[CHAIN_IMAGES_MAX];
        size_t n = 0, end = 0;
        int r = change_check(c, operation_find_disk(&c->operation, target, &image));

        if (r != 0)
                return r;
        n = disk_image_chain(&image, chain);
        if (path)
                r = find_base(&image, path, chain, n, &end);
        if (r == 0 && end == 1)
                r =
                        fail(EXIT_BAD_GUEST, "%s is right behind %s, and there is nothing to pull", path,
                             image.path);
        n = path ? end : n;
        r = r ?: snapshot_check_chain(all, target, chain + 1, n - 1, n - 1);
        r = r ?: note_paths(&left, chain + 1, n - 1);
        r = r ?: pull_images(c, target, path ? end - 1 : 0);
        return r ?: print_left(c, &left);
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
        directory = snapshots_directory(call->user_scope, c.guest);
        r = directory ? snapshot_load_all(directory, &all) : fail(EXIT_OS, "out of memory");
        return r ?: (call->option ? pull : commit)(&c, call->words[1], call->words[2], &all);
}
