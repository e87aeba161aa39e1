/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launcher does not read XML, and QEMU's errors name a node of QEMU's ("libvirt-2-format"). So the
 * generator passes for each disk the name that the guest's XML gives it, and its image. They are only shown.
 */

#include "launcher/run/disk-names.h"

#include <errno.h>
#include <stdlib.h>

#include "contract/line/colon.h"
#include "util/text.h"

int disk_names_read(const char *text, void *target)
{
        DiskNames *names = target;
        DiskName *bigger, *name;
        int r;

        bigger = realloc(names->items, (names->count + 1) * sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        names->items = bigger;
        name = &bigger[names->count];
        *name = (DiskName){ 0 };
        r = disk_value_read(text, &name->node, &name->target, &name->path);
        if (r >= 0)
                names->count++;
        return r;
}

void disk_names_done(DiskNames *names)
{
        for (size_t i = 0; i < names->count; i++) {
                free(names->items[i].node);
                free(names->items[i].actual);
        }
        free(names->items);
        *names = (DiskNames){ 0 };
}

void disk_name_set_actual(DiskName *name, const char *actual)
{
        char *copy = streq(actual, name->node) ? NULL : strdup(actual);

        free(name->actual);
        name->actual = copy;
}

const DiskName *disk_names_find(const DiskNames *names, const char *node)
{
        for (size_t i = 0; names && node && i < names->count; i++)
                if (streq(names->items[i].node, node) || streq_null(names->items[i].actual, node))
                        return &names->items[i];
        return NULL;
}
