/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl snapshot create: an empty image is put over each of the guest's disks, which from then on takes what
 * the guest writes. The order is such that nothing is lost wherever this ends: the overlays are empty and
 * durable before a definition names them, and have the same content as what is under them; the definition
 * names them before QEMU writes to them.
 */

#include "cli/snapshot/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/image/freeze.h"
#include "cli/running/disks.h"
#include "cli/snapshot/internal.h"
#include "cli/snapshot/nvram.h"
#include "contract/exit.h"
#include "guest/xml/write.h"

typedef struct Creation {
        ChangeCall change;
        const SnapshotCall *call;
        char *directory; /* of the snapshots' files */
        Snapshots others;
        Snapshot snapshot;
        size_t n_made; /* overlays */
        json_t *reply; /* of a guest that runs: its disks before */
        Freeze freeze;
        bool frozen;
} Creation;

static void creation_done(Creation *c)
{
        change_done(&c->change);
        snapshots_done(&c->others);
        snapshot_done(&c->snapshot);
        free(c->directory);
        json_decref(c->reply);
}

static int out_of_memory(void)
{
        return fail(EXIT_OS, "out of memory");
}

/* ——— what it is called ——— */

static int choose_name(Creation *c)
{
        Snapshot *s = &c->snapshot;
        char name[32];
        time_t now = time(NULL);
        struct tm tm;

        (void) strftime(name, sizeof(name), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
        s->name = strdup(c->call->name ?: name);
        s->state = strdup(c->change.running ? "disk-snapshot" : "shutoff");
        s->created = (uint64_t) now;
        if (c->call->description && (s->description = strdup(c->call->description)))
                text_make_printable(s->description);
        if (!s->name || !s->state || (c->call->description && !s->description))
                return out_of_memory();
        if (!fragment_name_is_valid(s->name))
                return fail(
                        EXIT_BAD_USAGE,
                        "a snapshot's name must be at most %d letters, digits, \"-\", \"_\" and \".\", and "
                        "begin with a letter or digit",
                        FRAGMENT_NAME_MAX);
        if (snapshots_find(&c->others, s->name))
                return fail(EXIT_BAD_GUEST, "guest %s has a snapshot %s already", c->change.guest, s->name);
        return 0;
}

/* ——— its disks ——— */

/* "/srv/web.qcow2" → "/srv/web.NAME" */
static char *overlay_path(const DiskImage *image, const char *name)
{
        const char *file = strrchr(image->path, '/'), *dot = strrchr(image->path, '.');
        int n = (int) ((dot && dot > file + 1 ? dot : image->path + strlen(image->path)) - image->path);

        return text_format("%.*s.%s", n, image->path, name);
}

/* asked: "vda" or "vda=/srv/overlay.qcow2" */
static int add_disk(Creation *c, const char *asked)
{
        const char *path = strchr(asked, '=');
        _cleanup_(freep) char *target = path ? strndup(asked, (size_t) (path - asked)) : strdup(asked),
                              *overlay = NULL, *former = NULL;
        _cleanup_(disk_image_done) DiskImage image = { 0 };
        int r;

        if (!target)
                return out_of_memory();
        r = change_check(&c->change, operation_find_disk(&c->change.operation, target, &image));
        if (r != 0)
                return r;
        if (snapshot_find_disk(&c->snapshot, target))
                return fail(EXIT_BAD_USAGE, "disk %s is named twice", target);
        if (path && path[1] != '/')
                return fail(EXIT_BAD_USAGE, "the path of an image must be absolute: %s", path + 1);
        if (!path && image.block)
                return fail(
                        EXIT_BAD_USAGE,
                        "disk %s is the block device %s: say where its overlay is to be, with "
                        "--disk=%s=PATH",
                        target, image.path, target);
        overlay = path ? strdup(path + 1) : overlay_path(&image, c->snapshot.name);
        former = disk_image_write(&image);
        if (!overlay || !former ||
            snapshot_add_disk(&c->snapshot, target, overlay, image.path, image.format, former) < 0)
                return out_of_memory();
        return 0;
}

/* The one that was made last of, or over, the disk's image. */
static const Snapshot *find_parent(const Creation *c, const SnapshotDisk *d)
{
        const Snapshot *found = snapshots_find_overlay(&c->others, d->base);

        for (size_t i = 0; i < c->others.count; i++) {
                const SnapshotDisk *other = snapshot_find_disk(&c->others.items[i], d->target);

                if (other && !other->overlay && streq(other->base, d->base))
                        found = &c->others.items[i];
        }
        return found;
}

static int choose_disks(Creation *c)
{
        _cleanup_(strings_done) Strings all = { 0 };
        const Strings *asked = c->call->disks.count > 0 ? &c->call->disks : &all;
        const Snapshot *parent;
        int r = 0;

        if (operation_list_disks(&c->change.operation, &all) < 0)
                return out_of_memory();
        for (size_t i = 0; r == 0 && i < asked->count; i++)
                r = add_disk(c, asked->items[i]);
        if (r != 0)
                return r;
        if (c->snapshot.n_disks == 0)
                return fail(EXIT_BAD_GUEST, "guest %s has no disk that it writes", c->change.guest);
        parent = find_parent(c, &c->snapshot.disks[0]);
        c->snapshot.parent = parent ? strdup(parent->name) : NULL;
        return parent && !c->snapshot.parent ? out_of_memory() : 0;
}

/* ——— the overlays ——— */

static int query_disks(const ChangeCall *change, json_t **ret)
{
        return client_query(change->call, json_pack("{s:[s]}", "commands", "query-block"), ret);
}

static int find_size(const Creation *c, const SnapshotDisk *d, uint64_t *ret)
{
        const char *node = c->reply ? disks_node(c->reply, d->target) : NULL;
        json_int_t size = node ? disks_size(c->reply, node) : -1;
        int r;

        if (c->change.running) {
                *ret = (uint64_t) size;
                return size > 0 ? 0
                                : fail(EXIT_MISSING, "QEMU does not say how large disk %s is", d->target);
        }
        r = overlay_size_of(d->base, d->base_format, ret);
        return r < 0 ? fail(EXIT_OS, "cannot read the size of %s: %s", d->base,
                            r == -EBADMSG ? "it is not a qcow2 image" : strerror(-r))
                     : 0;
}

static int make_overlay(Creation *c, const SnapshotDisk *d)
{
        OverlayRequest q = { .path = d->overlay, .base = d->base, .format = d->base_format };
        int r = find_size(c, d, &q.size);

        if (r != 0)
                return r;
        r = overlay_create(&q);
        if (r == -ENOEXEC)
                return EXIT_OS; /* qemu-img said why */
        if (r < 0)
                return fail(
                        r == -EACCES || r == -EPERM || r == -EROFS ? EXIT_POLICY : EXIT_OS,
                        "cannot create %s: %s", d->overlay, strerror(-r));
        c->n_made++;
        return 0;
}

/* What was made of it; the overlays are empty. */
static void remove_files(Creation *c)
{
        for (size_t i = 0; i < c->n_made; i++)
                (void) unlink(c->snapshot.disks[i].overlay);
        (void) snapshot_remove(c->directory, c->snapshot.name);
}

static int make_files(Creation *c)
{
        int r = c->change.running ? query_disks(&c->change, &c->reply) : 0;

        for (size_t i = 0; r == 0 && i < c->snapshot.n_disks; i++)
                r = make_overlay(c, &c->snapshot.disks[i]);
        r = r ?: nvram_keep(&c->change, c->directory, c->snapshot.name);
        if (r != 0)
                return r;
        r = snapshot_save(c->directory, c->change.guest, &c->snapshot);
        return r < 0 ? fail(EXIT_OS, "cannot write to %s: %s", c->directory, strerror(-r)) : 0;
}

/* ——— the definition ——— */

static int define(Creation *c)
{
        Operation *o = &c->change.operation;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < c->snapshot.n_disks; i++) {
                const SnapshotDisk *d = &c->snapshot.disks[i];
                _cleanup_(disk_image_done) DiskImage image = { 0 };

                r = operation_find_disk(o, d->target, &image);
                r = r < 0 ? r : operation_add_overlay(o, &image, d->overlay);
        }
        r = r < 0 ? r : operation_sync(o);
        return change_check(&c->change, r);
}

static void before(ChangeCall *change, void *userdata)
{
        Creation *c = userdata;

        freeze_begin(change->call, &c->freeze);
}

static void after(ChangeCall *change, void *userdata)
{
        Creation *c = userdata;

        c->frozen = freeze_end(&c->freeze);
}

static int is_done(ChangeCall *change, void *userdata)
{
        Creation *c = userdata;
        json_int_t was = disks_total_depth(c->reply), is;
        json_t *reply = NULL;
        int r = query_disks(change, &reply);

        is = disks_total_depth(reply);
        json_decref(reply);
        if (r != 0 || was < 0 || is < 0)
                return -EIO;
        return is == was + (json_int_t) c->snapshot.n_disks;
}

static const ChangeHooks hooks = { before, after, is_done };

static void print_result(const Creation *c)
{
        printf("Created snapshot %s of guest %s%s:", c->snapshot.name, c->change.guest,
               snapshot_is_internal(&c->snapshot) ? ", with its memory"
               : c->frozen                        ? ", with its file systems frozen"
                                                  : "");
        for (size_t i = 0; i < c->snapshot.n_disks; i++)
                printf(" %s", c->snapshot.disks[i].target);
        putchar('\n');
}

/* What QEMU is to make is known before, so that what is left of it can be deleted. */
static int create_internal(Creation *c)
{
        Snapshot *s = &c->snapshot;
        char *state = strdup("running");
        bool unknown;
        int r;

        if (!state)
                return out_of_memory();
        free(s->state);
        s->state = state;
        s->machine = operation_machine(&c->change.operation);
        for (size_t i = 0; i < s->n_disks; i++) {
                free(s->disks[i].overlay);
                s->disks[i].overlay = NULL;
        }
        r = snapshot_save(c->directory, c->change.guest, s);
        if (r < 0)
                return fail(EXIT_OS, "cannot write to %s: %s", c->directory, strerror(-r));
        r = internal_run(&c->change, s, INTERNAL_SAVE, &unknown);
        if (r != 0 && unknown)
                fprintf(stderr,
                        "vmctl: whether the guest's images have the snapshot is not known; vmctl snapshot "
                        "delete removes it\n");
        else if (r != 0)
                (void) snapshot_remove(c->directory, s->name);
        return r;
}

static int create_external(Creation *c)
{
        int r = make_files(c);

        r = r ?: define(c);
        r = r ?: change_apply(&c->change);
        if (r != 0 && !c->change.kept)
                remove_files(c);
        else if (r != 0)
                fprintf(stderr,
                        "vmctl: whether the guest has the snapshot is not known, so its definition has it; "
                        "see systemctl reload '%s'\n",
                        c->change.unit);
        return r;
}

/* The kind that the guest has stays, unless it is asked for another. */
static bool wants_external(const Creation *c)
{
        if (c->call->disk_only || c->call->disks.count > 0)
                return true;
        for (size_t i = 0; !c->call->internal && i < c->others.count; i++)
                if (!snapshot_is_internal(&c->others.items[i]))
                        return true;
        return false;
}

static int create(Creation *c)
{
        const char *why = wants_external(c) ? "" : internal_why_not(&c->change, &c->snapshot);

        if (why && c->call->internal)
                return fail(
                        EXIT_MISSING, "guest %s cannot have an internal snapshot: %s", c->change.guest, why);
        return why ? create_external(c) : create_internal(c);
}

int snapshot_create(const SnapshotCall *call)
{
        _cleanup_(creation_done) Creation c = { .call = call, .freeze = FREEZE_EMPTY };
        int r;

        r = change_start(&call->call, &c.change);
        if (r != 0)
                return r;
        c.change.hooks = &hooks;
        c.change.userdata = &c;
        c.directory = snapshots_directory(call->call.user_scope, c.change.guest);
        r = c.directory ? snapshot_load_all(c.directory, &c.others) : out_of_memory();
        r = r ?: choose_name(&c);
        r = r ?: choose_disks(&c);
        r = r ?: create(&c);
        if (r == 0)
                print_result(&c);
        return r;
}
