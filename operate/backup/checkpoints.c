/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which checkpoints the disks of a guest have, and how one is removed. */

#include <errno.h>
#include <string.h>

#include "operate/backup/backup-private.h"

/* By name: QEMU has them in no lasting order. */
static void insert(json_t *names, json_t *name)
{
        size_t at = 0;

        while (at < json_array_size(names) &&
               strcmp(json_string_value(json_array_get(names, at)), json_string_value(name)) < 0)
                at++;
        (void) json_array_insert(names, at, name);
}

int backup_list(Backup *b, json_t **ret)
{
        json_t *list = json_object();
        int r = backup_read_nodes(b);

        for (size_t i = 0; r >= 0 && i < b->nodes.count; i++) {
                const DiskNode *d = &b->nodes.items[i];
                json_t *names = json_array();
                const json_t *bitmap;
                size_t k;

                json_array_foreach(d->bitmaps, k, bitmap)
                        if (json_is_true(json_object_get(bitmap, "persistent")) &&
                            json_is_string(json_object_get(bitmap, "name")))
                                insert(names, json_object_get(bitmap, "name"));
                if (json_array_size(names) > 0)
                        (void) json_object_set(list, d->target, names);
                json_decref(names);
        }
        if (r < 0)
                json_decref(list);
        else
                *ret = list;
        return r;
}

int backup_delete(Backup *b)
{
        const char *checkpoint = b->request->remove;
        json_t *actions = json_array(), *commands;
        int r = backup_read_nodes(b);

        for (size_t i = 0; r >= 0 && i < b->nodes.count; i++)
                if (disk_bitmap(&b->nodes.items[i], checkpoint))
                        actions_add(
                                actions, "block-dirty-bitmap-remove",
                                json_pack("{s:s, s:s}", "node", b->nodes.items[i].node, "name", checkpoint));
        if (r >= 0 && json_array_size(actions) == 0)
                r = backup_fail(b, -ENOENT, "no disk has a checkpoint %s", checkpoint);
        if (r < 0) {
                json_decref(actions);
                return r;
        }
        commands = json_array();
        steps_add(commands, "transaction", json_pack("{s:o}", "actions", actions));
        return backup_execute(b, commands, false, -1, NULL);
}
