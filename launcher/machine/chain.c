/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The images behind a disk. A command line names the upper ones, each with nodes of its own, and the
 * launcher has found the others in headers. An image that gets another one over it, or that a disk goes back
 * to, keeps its nodes in QEMU under the names that it had; from then on the disk's top node knows them.
 */

#include "launcher/machine/machine-private.h"

#include <errno.h>
#include <stdlib.h>

#include "contract/fd-name.h"
#include "util/text.h"

/* Calls visit for the names of the chain's nodes in the machine's command line, top first. */
static void each_name(
        const Machine *m, const char *top, void (*visit)(Machine *m, const char *name, void *userdata),
        void *userdata)
{
        while (top) {
                const Option *option = command_line_find(&m->line, "-blockdev", top);
                const char *file = option ? option_text(option, "file") : NULL;

                if (!option)
                        return;
                visit((Machine *) m, top, userdata);
                if (file)
                        visit((Machine *) m, file, userdata);
                top = option_text(option, "backing");
        }
}

static int add_all(Layers *to, const Layers *from)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < from->count; i++)
                r = layers_add(to, &from->items[i]);
        return r;
}

/* *next: the node of the image behind it, if that is in the command line. */
static int add_image(const Machine *m, const char *name, Layers *layers, const char **next)
{
        const Option *option = command_line_find(&m->line, "-blockdev", name);
        const char *file = option ? option_text(option, "file") : NULL;
        const Node *node = machine_find_node(m, name, false);
        const Node *storage = file ? machine_find_node(m, file, false) : node;
        int r;

        if (!node || !storage)
                return -ENOENT;
        r = layers_add(
                layers, &(Layer){ .format = file ? node->actual : NULL,
                                  .storage = storage->actual,
                                  .set = storage->set,
                                  .file = storage->file,
                                  .options = storage->options });
        r = r < 0 ? r : add_all(layers, &node->below);
        *next = node->below.count > 0 ? NULL : option_text(option, "backing");
        return r;
}

/* The layer of that number, from 0. One of an unknown file belongs to the one before. */
static FileId file_at(const Layers *layers, size_t number)
{
        for (size_t i = 0; i < layers->count; i++)
                if (layers->items[i].file.inode != 0 && number-- == 0)
                        return layers->items[i].file;
        return (FileId){ 0 };
}

/* How many images are before the node in the chain of that top in the command line; 0 if it is not behind
 * the top. */
static size_t count_before(const Machine *m, const char *top, const char *node)
{
        size_t n = 0;

        for (const Option *o = command_line_find(&m->line, "-blockdev", top); o; n++) {
                const char *next = option_text(o, "backing");

                if (n > 0 && (streq(o->id, node) || streq_null(option_text(o, "file"), node)))
                        return n;
                o = next ? command_line_find(&m->line, "-blockdev", next) : NULL;
        }
        return 0;
}

/* depth: of the chain behind the node; 0 is its own file. */
static bool is_at(const Machine *m, const char *node, unsigned depth, FileId file)
{
        const Node *n = machine_find_node(m, node, false) ?: machine_find_node(m, node, true);

        if (n)
                return file_id_equals(depth == 0 ? n->file : file_at(&n->below, depth - 1), file);
        for (size_t i = 0; i < m->n_nodes; i++) { /* of an image that is one of the layers now */
                size_t before = count_before(m, m->nodes[i]->name, node);

                if (before > 0 && file_id_equals(file_at(&m->nodes[i]->below, before - 1 + depth), file))
                        return true;
        }
        return false;
}

/* Whether the descriptor is for that node, or at a depth of the chain behind it. */
static bool is_image_of(const Option *node, const char *name, unsigned *ret_depth)
{
        _cleanup_(freep) char *image = NULL, *chain = NULL;
        const char *format;

        if (node->kind != QEMU_BLOCKDEV)
                return false;
        image = fd_name_image(node->id);
        chain = fd_name_chain_prefix(node->id);
        *ret_depth = 0;
        return image && chain &&
               (streq(name, image) || fd_name_read_chain(name, chain, ret_depth, &format) >= 0);
}

bool machine_has_image(const Machine *m, const char *name, FileId file)
{
        unsigned depth;

        for (size_t i = 0; i < m->line.count; i++)
                if (is_image_of(&m->line.items[i], name, &depth) &&
                    is_at(m, m->line.items[i].id, depth, file))
                        return true;
        return false;
}

bool machine_knows_image(const Machine *m, const char *name)
{
        unsigned depth;

        for (size_t i = 0; i < m->line.count; i++)
                if (is_image_of(&m->line.items[i], name, &depth))
                        return true;
        return false;
}

int machine_find_layers(const Machine *m, const char *top, Layers *ret)
{
        Layers layers = { 0 };
        int r = 0;

        while (r >= 0 && top)
                r = add_image(m, top, &layers, &top);
        if (r < 0)
                layers_done(&layers);
        else
                *ret = layers;
        return r;
}

int machine_add_layer_of(const Machine *m, const Option *format, Layers *layers)
{
        const Node *node = machine_find_node(m, format->id, false);
        const Node *storage = machine_find_node(m, option_text(format, "file"), false);

        if (!node || !storage)
                return -ENOENT;
        return layers_add(
                layers, &(Layer){ .format = node->actual,
                                  .storage = storage->actual,
                                  .set = storage->set,
                                  .file = storage->file,
                                  .options = storage->options });
}

static void mark(Machine *m, const char *name, void *userdata)
{
        const bool *leaving = userdata;
        Node *n = machine_find_node(m, name, !*leaving);

        if (n)
                n->leaving = *leaving;
}

void machine_set_chain_leaving(Machine *m, const char *top, bool leaving)
{
        each_name(m, top, mark, &leaving);
}

static void forget(Machine *m, const char *name, void *userdata)
{
        machine_forget_node(m, name, true);
}

/* The node of that name, which may be new, is QEMU's actual one. */
static Node *set_node(Machine *m, const char *name, const char *actual)
{
        Node *n = machine_find_node(m, name, false) ?: machine_new_node(m, name);
        char *copy = n ? strdup(actual) : NULL;

        if (!copy)
                return NULL;
        free(n->actual);
        n->actual = copy;
        layers_done(&n->below);
        return n;
}

static int set_storage(Machine *m, const char *name, const Layer *layer)
{
        Node *n = set_node(m, name, layer->storage);

        if (!n)
                return -ENOMEM;
        n->set = layer->set;
        n->file = layer->file;
        if (n->options != layer->options) {
                json_decref(n->options);
                n->options = json_incref(layer->options);
        }
        return 0;
}

int machine_replace_chain(
        Machine *m, const char *old_top, const CommandLine *line, const char *top, const Layers *layers)
{
        const Option *option = command_line_find(line, "-blockdev", top);
        const char *file = option ? option_text(option, "file") : NULL;
        const Layer *first = layers->items;
        const Layers below = { layers->items + 1, layers->count - 1 };
        Node *n;
        int r = 0;

        each_name(m, old_top, forget, NULL);
        if (!file && !first->format)
                return set_storage(m, top, first);
        n = set_node(m, top, first->format ?: first->storage);
        if (!n)
                return -ENOMEM;
        if (file)
                r = set_storage(m, file, first);
        else { /* QEMU has a node for the format, which is raw */
                n->file = first->file;
                r = layers_add(
                        &n->below,
                        &(Layer){ .storage = first->storage, .set = first->set, .options = first->options });
        }
        return r < 0 ? r : add_all(&n->below, &below);
}
