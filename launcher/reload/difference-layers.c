/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A disk that stays and has another image may be one that got an overlay, or one that goes back to a backing
 * file. Whether QEMU can be told so depends on which files these are, which command lines do not say:
 * layers.c decides it when it has them open. What is found here is that nothing else has changed about the
 * disk. Between a device and its image there can be filters, which stay as they are.
 */

#include "launcher/reload/difference-private.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

static const Option *node_at(const CommandLine *line, const Option *option, const char *key)
{
        const char *name = option_text(option, key);

        return name ? command_line_find(line, "-blockdev", name) : NULL;
}

static bool is_filter(const Option *node)
{
        const char *driver = option_text(node, "driver");

        return driver && (streq(driver, "throttle") || streq(driver, "copy-on-read"));
}

const Option *difference_image_below(const CommandLine *line, const char *name)
{
        const Option *node = name ? command_line_find(line, "-blockdev", name) : NULL;

        while (node && is_filter(node))
                node = node_at(line, node, "file");
        return node;
}

const Option *difference_top_image(const CommandLine *line, const Option *device)
{
        return difference_image_below(line, option_text(device, "drive"));
}

/* Whether the filters of both are the same. */
static bool same_filters(const CommandLine *was, const Option *a, const CommandLine *is, const Option *b)
{
        a = node_at(was, a, "drive");
        b = node_at(is, b, "drive");
        while (a && b && is_filter(a) && is_filter(b)) {
                if (!streq(a->id, b->id) || !option_differs_only_in(a, b, "file"))
                        return false;
                a = node_at(was, a, "file");
                b = node_at(is, b, "file");
        }
        return a && b && !is_filter(a) && !is_filter(b);
}

/* An image that QEMU gets as a descriptor, and the named ones behind it. */
static bool is_chain(const CommandLine *is, const Option *top, const RunOptions *options)
{
        while (top) {
                const Option *storage = option_text(top, "file") ? node_at(is, top, "file") : top;

                if (!storage || option_text(storage, "file") || option_text(top, "data-file") ||
                    !strings_have(&options->images, storage->id))
                        return false;
                if (!option_text(top, "backing"))
                        return true;
                top = node_at(is, top, "backing");
        }
        return false;
}

static const char *path_of(const CommandLine *line, const Option *top)
{
        const Option *storage = option_text(top, "file") ? node_at(line, top, "file") : top;

        return storage ? option_text(storage, "filename") : NULL;
}

static bool differ_in_names_only(const Option *a, const Option *b)
{
        static const char *const names[] = { "node-name", "file", "backing" };
        json_t *x = json_copy(a->json), *y = json_copy(b->json);
        bool same;

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                (void) json_object_del(x, names[i]);
                (void) json_object_del(y, names[i]);
        }
        same = x && y && json_equal(x, y);
        json_decref(x);
        json_decref(y);
        return same;
}

/* If the image is the same, then only what is behind it may differ, and with that how its nodes are called.
 */
static bool is_other_chain(const CommandLine *was, const Option *a, const CommandLine *is, const Option *b)
{
        const Option *file_a = node_at(was, a, "file"), *file_b = node_at(is, b, "file");

        if (!streq_null(path_of(was, a), path_of(is, b)))
                return true;
        return file_a && file_b && differ_in_names_only(a, b) && differ_in_names_only(file_a, file_b);
}

static bool has_other_images(
        const CommandLine *was, const CommandLine *is, const RunOptions *options, const Change *change)
{
        const Option *a, *b;

        if (!change->was || !change->is || change->is->kind != QEMU_DEVICE || option_is_drive(change->is) ||
            !option_differs_only_in(change->was, change->is, "drive") ||
            !same_filters(was, change->was, is, change->is))
                return false;
        a = difference_top_image(was, change->was);
        b = difference_top_image(is, change->is);
        return is_chain(is, b, options) && is_other_chain(was, a, is, b);
}

typedef struct Looking {
        const Difference *difference;
        bool changed;
} Looking;

static void look_at_node(const Option *node, void *userdata)
{
        Looking *l = userdata;
        const Change *change = difference_find(l->difference, node->name, node->id);

        l->changed = l->changed || (change && change->kind != CHANGE_NONE);
}

void difference_settle_layers(
        const CommandLine *was, const CommandLine *is, const RunOptions *options, Difference *d)
{
        for (size_t i = 0; i < d->count; i++) {
                Change *change = &d->items[i];
                Looking looking = { d, change->kind != CHANGE_NONE };

                if (!change->was || !change->is || !change->is->json)
                        continue;
                difference_each_node(is, change->is, look_at_node, &looking);
                difference_each_node(was, change->was, look_at_node, &looking);
                if (!looking.changed || !has_other_images(was, is, options, change))
                        continue;
                change->kind = CHANGE_LAYERS;
                difference_set_nodes(was, is, change->is, d, CHANGE_NONE);
        }
}

void difference_refuse_layers(
        const CommandLine *was, const CommandLine *is, Difference *d, Change *change, const char *why)
{
        change->kind = CHANGE_RESTART;
        change->why = why;
        difference_set_nodes(was, is, change->is, d, CHANGE_RESTART);
}
