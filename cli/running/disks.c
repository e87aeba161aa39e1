/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The launcher knows which node of QEMU's is which disk, and QEMU knows the rest. */

#include "cli/running/disks.h"

#include "util/text.h"

const json_t *disks_find(const json_t *reply, const char *target)
{
        json_t *disk;
        size_t i;

        json_array_foreach(json_object_get(reply, "disks"), i, disk) {
                const char *name = json_string_value(json_object_get(disk, "target"));

                if (name && streq(name, target))
                        return disk;
        }
        return NULL;
}

const char *disks_node(const json_t *reply, const char *target)
{
        return json_string_value(json_object_get(disks_find(reply, target), "node"));
}

static const json_t *drives_of(const json_t *reply)
{
        return json_object_get(json_object_get(reply, "results"), "query-block");
}

json_int_t disks_size(const json_t *reply, const char *node)
{
        json_t *drive;
        size_t i;

        json_array_foreach((json_t *) drives_of(reply), i, drive) {
                const json_t *inserted = json_object_get(drive, "inserted");
                const char *name = json_string_value(json_object_get(inserted, "node-name"));

                if (name && streq(name, node))
                        return json_integer_value(
                                json_object_get(json_object_get(inserted, "image"), "virtual-size"));
        }
        return -1;
}

/* Of an image and those below it, which it describes inside of itself. */
static json_int_t depth_of(const json_t *image)
{
        json_int_t depth = 0;

        while ((image = json_object_get(image, "backing-image")))
                depth++;
        return depth;
}

json_int_t disks_total_depth(const json_t *reply)
{
        const json_t *drives = drives_of(reply);
        json_int_t total = 0;
        json_t *drive;
        size_t i;

        json_array_foreach((json_t *) drives, i, drive)
                total += depth_of(json_object_get(json_object_get(drive, "inserted"), "image"));
        return drives ? total : -1;
}
