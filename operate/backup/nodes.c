/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which of QEMU's nodes is the image of which disk. The launcher names a node of each disk, as it was when
 * the guest started: since then an overlay may be above it, or a job's filter. QEMU says what each drive
 * has on top; its graph of nodes says which drive the launcher's node belongs to, and what is an image and
 * what a filter.
 *
 * The answers come from QEMU, which a guest may have taken over: a graph with a circle only ends the search.
 */

#include "operate/backup/nodes.h"

#include <errno.h>
#include <stdlib.h>

#define DEPTH_MAX 256U

/* ——— the graph ——— */

static json_int_t graph_id(const json_t *graph, const char *name)
{
        const json_t *node;
        size_t i;

        json_array_foreach(json_object_get(graph, "nodes"), i, node)
                if (streq_null(json_string_value(json_object_get(node, "name")), name) &&
                    streq_null(json_string_value(json_object_get(node, "type")), "block-driver"))
                        return json_integer_value(json_object_get(node, "id"));
        return -1;
}

static const char *graph_name(const json_t *graph, json_int_t id)
{
        const json_t *node;
        size_t i;

        json_array_foreach(json_object_get(graph, "nodes"), i, node)
                if (json_integer_value(json_object_get(node, "id")) == id)
                        return json_string_value(json_object_get(node, "name"));
        return NULL;
}

/* The child by that edge, or NULL. */
static const char *graph_child(const json_t *graph, const char *parent, const char *edge)
{
        json_int_t id = graph_id(graph, parent);
        const json_t *e;
        size_t i;

        json_array_foreach(json_object_get(graph, "edges"), i, e)
                if (json_integer_value(json_object_get(e, "parent")) == id &&
                    streq_null(json_string_value(json_object_get(e, "name")), edge))
                        return graph_name(graph, json_integer_value(json_object_get(e, "child")));
        return NULL;
}

/* What a filter filters, or what is behind an image. */
static const char *below(const json_t *graph, const char *node)
{
        return graph_child(graph, node, "backing") ?: graph_child(graph, node, "file");
}

static bool has_below(const json_t *graph, const char *top, const char *node)
{
        for (unsigned i = 0; top && i < DEPTH_MAX; i++, top = below(graph, top))
                if (streq(top, node))
                        return true;
        return false;
}

/* ——— the disks ——— */

static const json_t *find_node(const json_t *query, const char *name)
{
        const json_t *nodes = json_object_get(json_object_get(query, "results"), "query-named-block-nodes");
        const json_t *node;
        size_t i;

        json_array_foreach(nodes, i, node)
                if (streq_null(json_string_value(json_object_get(node, "node-name")), name))
                        return node;
        return NULL;
}

static bool is_filter(const json_t *node)
{
        static const char *const filters[] = { "throttle", "copy-on-read", "copy-before-write", "mirror_top",
                                               "commit_top" };
        const char *driver = json_string_value(json_object_get(node, "drv"));

        for (size_t i = 0; driver && i < ELEMENTS(filters); i++)
                if (streq(driver, filters[i]))
                        return true;
        return false;
}

/* The topmost node of the drive that has that node somewhere, or the node itself. */
static const char *find_top(const json_t *query, const json_t *graph, const char *node)
{
        const json_t *drives = json_object_get(json_object_get(query, "results"), "query-block"), *drive;
        size_t i;

        json_array_foreach(drives, i, drive) {
                const char *top =
                        json_string_value(json_object_get(json_object_get(drive, "inserted"), "node-name"));

                if (top && has_below(graph, top, node))
                        return top;
        }
        return node;
}

/* What the image and those behind it take on the host; 0 if that is not known. */
static uint64_t allocated(const json_t *image)
{
        uint64_t sum = 0;

        for (unsigned i = 0; image && i < DEPTH_MAX; i++, image = json_object_get(image, "backing-image")) {
                json_int_t size = json_integer_value(json_object_get(image, "actual-size"));

                if (size <= 0)
                        return 0;
                sum += (uint64_t) size;
        }
        return sum;
}

/* Without a format's node above it, what a file or device has is the disk itself. */
static const char *format_of(const json_t *node)
{
        const char *driver = json_string_value(json_object_get(node, "drv")) ?: "unknown";

        return streq(driver, "file") || streq(driver, "host_device") ? "raw" : driver;
}

static int add_disk(DiskNodes *nodes, const json_t *disk)
{
        const char *name =
                find_top(nodes->query, nodes->graph, json_string_value(json_object_get(disk, "node")) ?: "");
        const char *target = json_string_value(json_object_get(disk, "target"));
        const json_t *node = find_node(nodes->query, name), *image;
        DiskNode *bigger;

        for (unsigned i = 0; node && is_filter(node) && i < DEPTH_MAX; i++) {
                name = below(nodes->graph, name);
                node = name ? find_node(nodes->query, name) : NULL;
        }
        if (!node || !target || disk_nodes_find(nodes, target) || nodes->count >= DISKS_MAX)
                return 0;
        bigger = realloc(nodes->items, (nodes->count + 1) * sizeof(*bigger));
        if (!bigger)
                return -ENOMEM;
        nodes->items = bigger;
        image = json_object_get(node, "image");
        nodes->items[nodes->count] = (DiskNode){
                .target = target,
                .node = json_string_value(json_object_get(node, "node-name")),
                .format = format_of(node),
                .bitmaps = json_object_get(node, "dirty-bitmaps"),
                .size = (uint64_t) json_integer_value(json_object_get(image, "virtual-size")),
                .allocated = allocated(image),
                .writable = json_is_false(json_object_get(node, "ro")),
        };
        nodes->count++;
        return 0;
}

int disk_nodes_read(DiskNodes *nodes, json_t *query, json_t *graph)
{
        const json_t *disk;
        size_t i;
        int r = 0;

        *nodes = (DiskNodes){ .query = query, .graph = graph };
        json_array_foreach(json_object_get(query, "disks"), i, disk) {
                r = add_disk(nodes, disk);
                if (r < 0)
                        break;
        }
        return r;
}

void disk_nodes_done(DiskNodes *nodes)
{
        free(nodes->items);
        json_decref(nodes->query);
        json_decref(nodes->graph);
        *nodes = (DiskNodes){ 0 };
}

const DiskNode *disk_nodes_find(const DiskNodes *nodes, const char *target)
{
        for (size_t i = 0; i < nodes->count; i++)
                if (streq(nodes->items[i].target, target))
                        return &nodes->items[i];
        return NULL;
}

const json_t *disk_bitmap(const DiskNode *d, const char *name)
{
        const json_t *bitmap;
        size_t i;

        json_array_foreach(d->bitmaps, i, bitmap)
                if (streq_null(json_string_value(json_object_get(bitmap, "name")), name))
                        return bitmap;
        return NULL;
}
