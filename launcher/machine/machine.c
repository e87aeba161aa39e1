/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The nodes of a QEMU that runs: which there are, under which names, and what has to be removed with each.
 * What a node is in QEMU is known from how QEMU was started, and afterwards from what was added.
 */

#include "launcher/machine/machine-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "contract/fd-name.h"
#include "contract/limits.h"
#include "launcher/machine/arguments.h"
#include "launcher/machine/processors.h"
#include "launcher/stream/channel.h"
#include "log/log.h"
#include "util/text.h"

#define NODE_NAME_MAX 31      /* QEMU's */
#define FIRST_SET     100000U /* above those of the start */

static void layer_done(Layer *layer)
{
        free(layer->format);
        free(layer->storage);
        json_decref(layer->options);
}

void layers_done(Layers *layers)
{
        for (size_t i = 0; i < layers->count; i++)
                layer_done(&layers->items[i]);
        free(layers->items);
        *layers = (Layers){ 0 };
}

int layers_add(Layers *layers, const Layer *layer)
{
        Layer *bigger = reallocarray(layers->items, layers->count + 1, sizeof(*bigger));
        Layer copy = {
                .format = layer->format ? strdup(layer->format) : NULL,
                .storage = strdup(layer->storage),
                .set = layer->set,
                .file = layer->file,
                .options = json_incref(layer->options),
        };

        if (bigger)
                layers->items = bigger;
        if (!bigger || !copy.storage || (layer->format && !copy.format)) {
                layer_done(&copy);
                return -ENOMEM;
        }
        layers->items[layers->count++] = copy;
        return 0;
}

static Node *node_free(Node *n)
{
        free(n->name);
        free(n->actual);
        json_decref(n->options);
        layers_done(&n->below);
        free(n);
        return NULL;
}

Node *machine_find_node(const Machine *m, const char *name, bool leaving)
{
        Node *found = NULL;

        for (size_t i = 0; i < m->n_nodes; i++)
                if (m->nodes[i]->leaving == leaving && streq(m->nodes[i]->name, name)) {
                        found = m->nodes[i];
                        if (leaving)
                                break;
                }
        return found;
}

const char *machine_node(const Machine *m, const char *name)
{
        const Node *n = machine_find_node(m, name, false);

        return n ? n->actual : name;
}

const char *machine_leaving_node(const Machine *m, const char *name)
{
        const Node *n = machine_find_node(m, name, true);

        return n ? n->actual : NULL;
}

void machine_forget_node(Machine *m, const char *name, bool leaving)
{
        const Node *n = machine_find_node(m, name, leaving);

        for (size_t i = 0; n && i < m->n_nodes; i++)
                if (m->nodes[i] == n) {
                        node_free(m->nodes[i]);
                        m->n_nodes--;
                        memmove(&m->nodes[i], &m->nodes[i + 1], (m->n_nodes - i) * sizeof(*m->nodes));
                        return;
                }
}

int machine_note_gone(Machine *m, const Option *option)
{
        return command_line_add(&m->gone, option);
}

void machine_forget_gone(Machine *m)
{
        for (size_t i = 0; i < m->gone.count; i++)
                command_line_remove(&m->line, m->gone.items[i].name, m->gone.items[i].id);
        command_line_done(&m->gone);
}

void machine_keep_node(Machine *m, const char *name)
{
        Node *n = machine_find_node(m, name, true);

        if (n)
                n->leaving = false;
}

static bool is_taken(const Machine *m, const char *actual)
{
        for (size_t i = 0; i < m->n_nodes; i++) {
                const Layers *below = &m->nodes[i]->below;

                if (streq(m->nodes[i]->actual, actual))
                        return true;
                for (size_t j = 0; j < below->count; j++)
                        if (streq(below->items[j].storage, actual) ||
                            streq_null(below->items[j].format, actual))
                                return true;
        }
        return false;
}

static char *choose_actual(Machine *m, const char *name)
{
        char *actual;

        if (!is_taken(m, name))
                return strdup(name);
        actual = text_format("%s.%u", name, ++m->generation);
        if (!actual || strlen(actual) <= NODE_NAME_MAX)
                return actual;
        free(actual);
        return text_format("node.%u", m->generation);
}

Node *machine_new_node(Machine *m, const char *name)
{
        Node **bigger = reallocarray(m->nodes, m->n_nodes + 1, sizeof(*bigger)), *n = calloc(1, sizeof(*n));

        if (bigger)
                m->nodes = bigger;
        if (!bigger || !n) {
                free(n);
                return NULL;
        }
        n->name = strdup(name);
        n->actual = choose_actual(m, name);
        if (!n->name || !n->actual)
                return node_free(n);
        return m->nodes[m->n_nodes++] = n;
}

/* ——— the start ——— */

static json_t *find_actual(char *const *argv, const char *node)
{
        for (; argv[0] && argv[1]; argv++) {
                json_t *json;

                if (!streq(argv[0], "-blockdev"))
                        continue;
                json = channel_parse(argv[1], strlen(argv[1]));
                if (streq_null(json_string_value(json_object_get(json, "node-name")), node))
                        return json;
                json_decref(json);
        }
        return NULL;
}

static unsigned set_of(const json_t *json)
{
        const char *path = json_string_value(json_object_get(json, "filename"));
        const char *set = path ? text_after(path, "/dev/fdset/") : NULL;

        return set ? (unsigned) strtoul(set, NULL, 10) : 0;
}

/* The images below a node, which the launcher added. */
static int note_below(
        const Machine *m, char *const *argv, const Images *images, Node *n, const json_t *above)
{
        _cleanup_(json_decrefp) json_t *json = json_incref((json_t *) above);
        int r = 0;

        while (r >= 0) {
                const char *name = json_string_value(json_object_get(json, "backing"));
                json_t *next = !name || command_line_find(&m->line, "-blockdev", name)
                                       ? NULL
                                       : find_actual(argv, name);
                const char *file = json_string_value(json_object_get(next, "file"));
                _cleanup_(json_decrefp) json_t *storage = file ? find_actual(argv, file) : NULL;

                if (storage)
                        r = layers_add(
                                &n->below,
                                &(Layer){ .format = (char *) name,
                                          .storage = (char *) file,
                                          .set = set_of(storage),
                                          .options = storage,
                                          .file = images_find_backing(
                                                  images, n->name, (unsigned) n->below.count + 1) });
                json_decref(json);
                json = next;
                if (!storage)
                        break;
        }
        return r;
}

static int note_node(Machine *m, char *const *argv, const Images *images, const char *name)
{
        _cleanup_(json_decrefp) json_t *json = find_actual(argv, name);
        _cleanup_(freep) char *descriptor = fd_name_image(name);
        Node *n = machine_new_node(m, name);

        if (!n || !descriptor)
                return -ENOMEM;
        n->options = json_incref(json);
        n->set = set_of(json);
        n->file = images_find(images, descriptor);
        return note_below(m, argv, images, n, json);
}

/* One that was restored has processors that were added before it was saved. */
static int note_vcpus(Machine *m, char *const *argv)
{
        int r = processors_find(argv, &m->boot_vcpus, &m->vcpus);

        for (size_t i = 0; i < m->vcpus.count; i++) {
                unsigned n = processors_number(m->vcpus.items[i]);

                m->generation = n > m->generation ? n : m->generation;
        }
        return r;
}

int machine_begin(
        const RunOptions *options, char *const *actual, const Images *images, const char *directory,
        Machine *ret)
{
        Machine m = { .next_set = FIRST_SET, .directory = directory };
        int r = command_line_read(options, options->argv, &m.line);

        r = r < 0 ? r : note_vcpus(&m, actual);
        for (size_t i = 0; r >= 0 && i < m.line.count; i++)
                if (m.line.items[i].kind == QEMU_BLOCKDEV)
                        r = note_node(&m, actual, images, m.line.items[i].id);
        if (r < 0)
                machine_done(&m);
        else
                *ret = m;
        return r;
}

void machine_done(Machine *m)
{
        command_line_done(&m->line);
        command_line_done(&m->gone);
        strings_done(&m->vcpus);
        strings_done(&m->new_vcpus);
        strings_done(&m->released);
        for (size_t i = 0; i < m->n_nodes; i++)
                node_free(m->nodes[i]);
        free(m->nodes);
        *m = (Machine){ 0 };
}
