/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which disks are backed up, and whether they can be. What QEMU is told for a backup is named by a number at
 * random, so that two backups of one guest do not meet.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "operate/backup/backup-private.h"

#define CHECKPOINT_MAX 64U

int backup_fail(Backup *b, int error, const char *format, ...)
{
        va_list ap;
        char *text;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        free(b->why);
        b->why = text;
        return error;
}

const char *backup_target(const Backup *b, size_t index)
{
        return index < b->n_disks ? b->disks[index].disk.target : NULL;
}

const char *backup_why(const Backup *b)
{
        return b->why ?: "out of memory";
}

Backup *backup_new(const BackupLink *link, const BackupRequest *request)
{
        Backup *b = calloc(1, sizeof(*b));
        uint32_t number;

        if (!b || getrandom(&number, sizeof(number), 0) != sizeof(number)) {
                free(b);
                return NULL;
        }
        b->link = link;
        b->request = request;
        b->directory = -EBADF;
        (void) snprintf(b->id, sizeof(b->id), "backup-%08" PRIx32, number);
        return b;
}

Backup *backup_free(Backup *b)
{
        if (!b)
                return NULL;
        for (size_t i = 0; i < b->n_disks; i++) {
                target_done(&b->disks[i].target);
                free(b->disks[i].base);
        }
        disk_nodes_done(&b->nodes);
        (void) fd_close(b->directory);
        if (b->listens)
                (void) unlink(b->request->socket);
        free(b->why);
        free(b);
        return NULL;
}

/* ——— calls ——— */

int backup_call(Backup *b, const char *method, json_t *parameters, int fd, json_t **ret)
{
        _cleanup_(freep) char *why = NULL;
        int r = parameters ? b->link->call(method, parameters, fd, ret, &why, b->link->userdata) : -ENOMEM;

        return r < 0 ? backup_fail(b, r, "%s", why ?: strerror(-r)) : 0;
}

int backup_execute(Backup *b, json_t *commands, bool hold, int fd, json_t **ret_results)
{
        json_t *reply = NULL;
        int r;

        r = backup_call(
                b, "org.vmunit.Guest.Execute", json_pack("{s:o, s:b}", "commands", commands, "hold", hold),
                fd, &reply);
        if (r >= 0 && ret_results)
                *ret_results = json_incref(json_object_get(reply, "results"));
        json_decref(reply);
        return r;
}

int backup_release(Backup *b, bool undo)
{
        json_t *reply = NULL;
        int r = backup_call(b, "org.vmunit.Guest.Release", json_pack("{s:b}", "undo", undo), -1, &reply);

        json_decref(reply);
        return r;
}

/* ——— the choice of disks ——— */

int backup_read_nodes(Backup *b)
{
        json_t *query = NULL, *results = NULL, *graph = NULL, *commands = json_array();
        int r;

        steps_add(commands, "x-debug-query-block-graph", NULL);
        r = backup_call(
                b, "org.vmunit.Guest.Query",
                json_pack("{s:[s, s]}", "commands", "query-block", "query-named-block-nodes"), -1, &query);
        if (r < 0) {
                json_decref(commands);
                return r;
        }
        /* it is for debugging and may be missing: then disks without limits are all that is found */
        if (backup_execute(b, commands, false, -1, &results) >= 0)
                graph = json_incref(json_array_get(results, 0));
        json_decref(results);
        r = disk_nodes_read(&b->nodes, query, graph);
        return r < 0 ? backup_fail(b, r, "out of memory") : 0;
}

static int check_bitmaps(Backup *b, const DiskNode *d)
{
        const char *since = b->request->since, *checkpoint = b->request->checkpoint;
        const json_t *bitmap = since ? disk_bitmap(d, since) : NULL;

        if ((since || checkpoint) && !streq(d->format, "qcow2"))
                return backup_fail(
                        b, -EOPNOTSUPP,
                        "disk %s has the format %s, and only qcow2 can keep checkpoints; back it up in "
                        "full, "
                        "without --checkpoint and --since, or choose other disks with --disk",
                        d->target, d->format);
        if (checkpoint && disk_bitmap(d, checkpoint))
                return backup_fail(b, -EEXIST, "disk %s has a checkpoint %s already", d->target, checkpoint);
        if (since && !bitmap)
                return backup_fail(b, -ENOENT, "disk %s has no checkpoint %s", d->target, since);
        if (bitmap && json_is_true(json_object_get(bitmap, "inconsistent")))
                return backup_fail(
                        b, -EINVAL,
                        "checkpoint %s of disk %s is of no use, since QEMU did not end properly; delete it, "
                        "and make a full backup",
                        since, d->target);
        if (bitmap && json_is_false(json_object_get(bitmap, "recording")))
                return backup_fail(
                        b, -EINVAL, "checkpoint %s of disk %s does not record what is written", since,
                        d->target);
        return 0;
}

static int choose_disk(Backup *b, const DiskNode *d)
{
        BackupDisk *disk = &b->disks[b->n_disks];

        if (b->n_disks == BACKUP_DISKS_MAX)
                return backup_fail(
                        b, -E2BIG, "one backup holds at most %u disks; choose some with --disk",
                        BACKUP_DISKS_MAX);
        *disk = (BackupDisk){ .disk = *d, .target = TARGET_EMPTY };
        (void) snprintf(disk->job, sizeof(disk->job), "%.30s-%s", d->target, b->id + strlen("backup-"));
        (void) snprintf(disk->id, sizeof(disk->id), "%s-%zu", b->id, b->n_disks);
        (void) snprintf(disk->file, sizeof(disk->file), "%s-%zu-f", b->id, b->n_disks);
        (void) snprintf(disk->set, sizeof(disk->set), "%s-%zu-s", b->id, b->n_disks);
        b->n_disks++;
        return check_bitmaps(b, d);
}

static int check_checkpoint(Backup *b, const char *name)
{
        if (strlen(name) > 0 && strlen(name) <= CHECKPOINT_MAX && *name != '.' && *name != '-' &&
            strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
                    strlen(name))
                return 0;
        return backup_fail(
                b, -EINVAL,
                "\"%s\" is not a checkpoint's name: expected letters, digits, \".\", \"_\", \"-\"", name);
}

int backup_choose(Backup *b)
{
        const Strings *wanted = b->request->disks;
        int r = 0;

        if (b->request->checkpoint)
                r = check_checkpoint(b, b->request->checkpoint);
        if (r >= 0 && b->request->since)
                r = check_checkpoint(b, b->request->since);
        if (r >= 0)
                r = backup_read_nodes(b);
        for (size_t i = 0; r >= 0 && i < wanted->count; i++) {
                const DiskNode *d = disk_nodes_find(&b->nodes, wanted->items[i]);

                r = d ? choose_disk(b, d)
                      : backup_fail(
                                b, -ENOENT, "the guest has no disk %s, or it is empty", wanted->items[i]);
        }
        for (size_t i = 0; r >= 0 && wanted->count == 0 && i < b->nodes.count; i++)
                if (b->nodes.items[i].writable)
                        r = choose_disk(b, &b->nodes.items[i]);
        if (r >= 0 && b->n_disks == 0)
                return backup_fail(b, -ENOENT, "the guest has no disk that it can write to");
        return r;
}
