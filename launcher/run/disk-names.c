/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launcher does not read XML, and QEMU's errors name a node of QEMU's ("libvirt-2-format"). So the
 * generator passes for each disk the name that the guest's XML gives it, and its image. They are only shown.
 */

#include "launcher/run/disk-names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/ownership.h"
#include "util/text.h"

int disk_names_read(const char *text, void *target)
{
        _cleanup_(freep) char *copy = strdup(text);
        DiskNames *names = target;
        DiskName *bigger;
        char *disk, *path;

        if (!copy)
                return -ENOMEM;
        disk = strchr(copy, ':');
        if (!disk || disk == copy)
                return -EINVAL;
        *disk++ = '\0';
        path = strchr(disk, ':');
        if (path)
                *path++ = '\0';
        if (!*disk || (path && !*path))
                return -EINVAL;
        bigger = realloc(names->items, (names->count + 1) * sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        names->items = bigger;
        bigger[names->count++] = (DiskName){ .node = TAKE_PTR(copy), .target = disk, .path = path };
        return 0;
}

void disk_names_done(DiskNames *names)
{
        for (size_t i = 0; i < names->count; i++)
                free(names->items[i].node);
        free(names->items);
        *names = (DiskNames){ 0 };
}

const DiskName *disk_names_find(const DiskNames *names, const char *node)
{
        for (size_t i = 0; names && node && i < names->count; i++)
                if (streq(names->items[i].node, node))
                        return &names->items[i];
        return NULL;
}
