/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl snapshot list: what snapshots a guest has, the oldest first, or as the tree that they are. */

#include "cli/snapshot/snapshot.h"

#include <stdlib.h>
#include <time.h>

#include "cli/running/client.h"
#include "contract/exit.h"

int snapshot_load_all(const char *directory, Snapshots *ret)
{
        _cleanup_(strings_done) Strings damaged = { 0 };
        int r = snapshots_load(directory, ret, &damaged);

        if (r < 0)
                return fail(EXIT_OS, "cannot read %s: %s", directory, strerror(-r));
        for (size_t i = 0; i < damaged.count; i++)
                fprintf(stderr, "vmctl: ignoring %s/%s, which does not describe a snapshot\n", directory,
                        damaged.items[i]);
        return 0;
}

int snapshot_check_chain(
        const Snapshots *all, const char *target, const ChainImage *chain, size_t n, size_t n_overlays)
{
        for (size_t i = 0; i < all->count; i++) {
                const SnapshotDisk *d = snapshot_find_disk(&all->items[i], target);

                for (size_t j = 0; d && j < n; j++)
                        if (streq(d->base, chain[j].path) ||
                            (j < n_overlays && streq_null(d->overlay, chain[j].path)))
                                return fail(
                                        EXIT_BAD_GUEST,
                                        "%s is part of snapshot %s: see vmctl snapshot delete",
                                        chain[j].path, all->items[i].name);
        }
        return 0;
}

int snapshot_change_start(const SnapshotCall *s, SnapshotChange *ret)
{
        int r;

        *ret = (SnapshotChange){ 0 };
        r = change_start(&s->call, &ret->change);
        if (r != 0)
                return r;
        ret->directory = snapshots_directory(s->call.user_scope, ret->change.guest);
        r = ret->directory ? snapshot_load_all(ret->directory, &ret->all) : fail(EXIT_OS, "out of memory");
        if (r != 0)
                return r;
        ret->snapshot = (Snapshot *) snapshots_find(&ret->all, s->name);
        return ret->snapshot ? 0
                             : fail(EXIT_MISSING, "guest %s has no snapshot %s; see vmctl snapshot list",
                                    ret->change.guest, s->name);
}

void snapshot_change_done(SnapshotChange *c)
{
        change_done(&c->change);
        snapshots_done(&c->all);
        free(c->directory);
}

static const char *kind_of(const Snapshot *s)
{
        return snapshot_is_internal(s) ? "internal" : "external";
}

static json_t *snapshot_json(const Snapshot *s)
{
        json_t *disks = json_array();

        for (size_t i = 0; i < s->n_disks; i++)
                (void) json_array_append_new(
                        disks, json_pack(
                                       "{s:s, s:s*, s:s, s:s}", "target", s->disks[i].target, "overlay",
                                       s->disks[i].overlay, "base", s->disks[i].base, "format",
                                       s->disks[i].base_format));
        return json_pack(
                "{s:s, s:I, s:s, s:s, s:s*, s:s*, s:o}", "name", s->name, "created", (json_int_t) s->created,
                "state", s->state, "kind", kind_of(s), "parent", s->parent, "description", s->description,
                "disks", disks);
}

static int print_json(const Snapshots *all)
{
        json_t *array = json_array();
        int r;

        for (size_t i = 0; i < all->count; i++)
                (void) json_array_append_new(array, snapshot_json(&all->items[i]));
        r = client_print(array);
        json_decref(array);
        return r;
}

/* Below a snapshot whose file is gone is nothing, so what names it is at the top. */
static bool is_below(const Snapshots *all, const Snapshot *s, const Snapshot *parent)
{
        const Snapshot *found = snapshots_find(all, s->parent);

        return parent ? found == parent && found != s : !found || found == s;
}

static void print_tree(const Snapshots *all, const Snapshot *parent, unsigned depth)
{
        for (size_t i = 0; i < all->count && depth < SNAPSHOTS_MAX; i++) {
                if (!is_below(all, &all->items[i], parent))
                        continue;
                printf("%*s%s\n", (int) depth * 2, "", all->items[i].name);
                print_tree(all, &all->items[i], depth + 1);
        }
}

static void print_table(const Snapshots *all)
{
        char created[32];
        struct tm tm;

        if (all->count > 0)
                printf("%-20s %-20s %-9s %-14s %-20s %s\n", "NAME", "CREATED", "KIND", "STATE", "PARENT",
                       "DESCRIPTION");
        for (size_t i = 0; i < all->count; i++) {
                const Snapshot *s = &all->items[i];
                time_t t = (time_t) s->created;
                _cleanup_(freep) char *state = client_text(s->state),
                                      *parent = client_text(s->parent ?: "-"),
                                      *text = client_text(s->description ?: "");

                (void) strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
                printf("%-20s %-20s %-9s %-14s %-20s %s\n", s->name, created, kind_of(s), state ?: "",
                       parent ?: "", text ?: "");
        }
}

int snapshot_list(const SnapshotCall *s)
{
        _cleanup_(freep) char *path = NULL, *guest = NULL, *directory = NULL;
        _cleanup_(snapshots_done) Snapshots all = { 0 };
        int r = resolve_guest(s->call.user_scope, s->call.words[0], &path, &guest);

        if (r != 0)
                return r;
        if (!guest)
                return fail(EXIT_BAD_USAGE, "snapshot requires a guest's name, not a file");
        directory = snapshots_directory(s->call.user_scope, guest);
        r = directory ? snapshot_load_all(directory, &all) : fail(EXIT_OS, "out of memory");
        if (r != 0)
                return r;
        if (s->json)
                return print_json(&all);
        if (s->tree)
                print_tree(&all, NULL, 0);
        else
                print_table(&all);
        return EXIT_SUCCESS;
}
