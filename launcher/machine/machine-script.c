/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Images reach QEMU in fd sets, one descriptor in each (launcher/monitor/command.c); the others by getfd,
 * which hands a descriptor to the one command that names it. Sets and nodes are removed explicitly: QEMU
 * keeps a set, and with it the file and its locks, after the node that used it is gone.
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
#include "log/log.h"
#include "util/text.h"

/* ——— adding ——— */

static const StoredFd *find_passed(const MachineParts *parts, const char *name)
{
        for (size_t i = 0; i < parts->fds->count; i++)
                if (streq(parts->fds->items[i].name, name))
                        return &parts->fds->items[i];
        return NULL;
}

/* A copy of a descriptor that was passed. */
static int find_fd(const MachineParts *parts, const char *name, int *ret)
{
        const StoredFd *passed = find_passed(parts, name);
        int r = -ENOENT;

        if (passed) {
                *ret = fcntl(passed->fd, F_DUPFD_CLOEXEC, 3);
                r = *ret < 0 ? -errno : 0;
        }
        return r < 0 ? log_errno(LOG_ERR, r, "File descriptor %s was not passed by the helper", name) : 0;
}

static void add_fd_set(Script *script, unsigned set, int fd)
{
        script_add(
                script, "add-fd", json_pack("{s:I}", "fdset-id", (json_int_t) set), fd, "remove-fd",
                json_pack("{s:I}", "fdset-id", (json_int_t) set));
}

static void add_node(Script *script, json_t *arguments)
{
        const char *name = json_string_value(json_object_get(arguments, "node-name"));

        script_add(
                script, "blockdev-add", arguments, -EBADF, "blockdev-del",
                json_pack("{s:s}", "node-name", name ?: ""));
}

typedef struct Chain {
        Machine *machine;
        Script *script;
        Node *node;
        const char *prefix;
        struct {
                int fd;
                char format[32];
        } images[CHAIN_DEPTH_MAX];
        size_t count;
} Chain;

static int note_image(const char *name, int fd, void *userdata)
{
        Chain *c = userdata;
        const char *format;
        unsigned depth;

        if (fd_name_read_chain(name, c->prefix, &depth, &format) < 0 || strlen(format) >= 32)
                return log_errno(LOG_ERR, -EINVAL, "Invalid name of file descriptor %s", name);
        c->images[depth - 1].fd = fd;
        strcpy(c->images[depth - 1].format, format);
        c->count = depth > c->count ? depth : c->count;
        return 0;
}

/* Returns the node's name in *ret, "" for none behind. */
static int add_backing(Chain *c, size_t i, char **above)
{
        unsigned set = c->machine->next_set++;
        _cleanup_(freep) char *storage = text_format("backing%u-storage", set),
                              *node = text_format("backing%u-format", set),
                              *path = text_format("/dev/fdset/%u", set);
        _cleanup_(closep) int fd = fcntl(c->images[i].fd, F_DUPFD_CLOEXEC, 3);
        _cleanup_(json_decrefp) json_t *options = NULL;
        struct stat st;
        json_t *format;

        if (fd < 0 || fstat(fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot use a descriptor of a backing file");
        if (!storage || !node || !path)
                return log_out_of_memory();
        options = json_pack(
                "{s:s, s:s, s:s, s:b, s:b}", "driver", S_ISBLK(st.st_mode) ? "host_device" : "file",
                "filename", path, "node-name", storage, "read-only", 1, "auto-read-only", 0);
        if (layers_add(
                    &c->node->below, &(Layer){ .format = node,
                                               .storage = storage,
                                               .set = set,
                                               .file = file_id_of(fd),
                                               .options = options }) < 0)
                return log_out_of_memory();
        add_fd_set(c->script, set, TAKE_FD(fd));
        add_node(c->script, json_incref(options));
        format = json_pack(
                "{s:s, s:s, s:s, s:b}", "driver", c->images[i].format, "file", storage, "node-name", node,
                "read-only", 1);
        if (format && (*above || arguments_have_backing(c->images[i].format)))
                (void) json_object_set_new(format, "backing", *above ? json_string(*above) : json_null());
        add_node(c->script, format);
        free(*above);
        *above = TAKE_PTR(node);
        return 0;
}

/* The nearest to the disk first; they were added the other way round. */
static void reverse(Layers *layers)
{
        for (size_t i = 0; i < layers->count / 2; i++) {
                Layer *other = &layers->items[layers->count - 1 - i], layer = *other;

                *other = layers->items[i];
                layers->items[i] = layer;
        }
}

static int add_chain(Machine *m, const MachineParts *parts, Node *node, json_t *json, Script *script)
{
        _cleanup_(freep) char *prefix = fd_name_chain_prefix(node->name), *above = NULL;
        _cleanup_(freep) Chain *c = calloc(1, sizeof(*c));
        const char *driver = json_string_value(json_object_get(json, "driver"));
        int r;

        if (!prefix || !c)
                return log_out_of_memory();
        *c = (Chain){ .machine = m, .script = script, .node = node, .prefix = prefix };
        r = fds_each(parts->fds, prefix, note_image, c);
        for (size_t i = c->count; r >= 0 && i-- > 0;)
                r = *c->images[i].format ? add_backing(c, i, &above) : -ENOENT;
        if (r == -ENOENT)
                return log_errno(LOG_ERR, r, "A backing image of %s was not passed", node->name);
        reverse(&node->below);
        if (r >= 0 && (above || arguments_have_backing(driver ?: "")))
                (void) json_object_set_new(json, "backing", above ? json_string(above) : json_null());
        return r;
}

/* QEMU asks a set for a descriptor of the access mode that the node needs, see command.c. */
static int add_image(Machine *m, const MachineParts *parts, Node *node, json_t *json, Script *script)
{
        _cleanup_(freep) char *name = fd_name_image(node->name);
        unsigned set = m->next_set++;
        _cleanup_(freep) char *path = text_format("/dev/fdset/%u", set);
        int fd, flags, r;

        if (!name || !path)
                return log_out_of_memory();
        r = find_fd(parts, name, &fd);
        if (r < 0)
                return r;
        node->set = set;
        node->file = file_id_of(fd);
        flags = fcntl(fd, F_GETFL);
        add_fd_set(script, set, fd);
        (void) json_object_set_new(json, "filename", json_string(path));
        (void) json_object_set_new(json, "read-only", json_boolean((flags & O_ACCMODE) == O_RDONLY));
        (void) json_object_set_new(json, "auto-read-only", json_false());
        return 0;
}

/* References to other nodes are to those that are there now. */
static void rename_nodes(const Machine *m, json_t *json)
{
        static const char *const keys[] = { "file", "backing", "drive", "data-file", "node" };

        for (size_t i = 0; i < ELEMENTS(keys); i++) {
                const char *name = json_string_value(json_object_get(json, keys[i]));
                const char *actual = name ? machine_node(m, name) : NULL;

                if (actual && !streq(actual, name))
                        (void) json_object_set_new(json, keys[i], json_string(actual));
        }
}

static int script_node(
        Machine *m, const MachineParts *parts, const Option *option, json_t *json, Script *script)
{
        Node *node;
        int r = 0;

        rename_nodes(m, json); /* before its own name is known */
        node = machine_new_node(m, option->id);
        if (!node)
                return log_out_of_memory();
        (void) json_object_set_new(json, "node-name", json_string(node->actual));
        if (strings_have(&parts->options->images, option->id))
                r = add_image(m, parts, node, json, script);
        if (r >= 0 && strings_have(&parts->options->chains, option->id))
                r = add_chain(m, parts, node, json, script);
        if (r >= 0) {
                node->options = json_incref(json);
                add_node(script, json_incref(json));
        }
        return r;
}

/* ——— descriptors of other options ——— */

static void each_in(const json_t *json, void (*visit)(const char *name, void *userdata), void *userdata)
{
        const char *text = json_string_value(json), *key,
                   *set = text ? text_after(text, "/dev/fdset/") : NULL;
        json_t *value;

        json_object_foreach((json_t *) json, key, value)
                each_in(value, visit, userdata);
        for (text = set ?: text; text && *text == '@';) {
                size_t n = strcspn(text + 1, ":");
                _cleanup_(freep) char *name = strndup(text + 1, n);

                if (name)
                        visit(name, userdata);
                text += 1 + n;
                text += *text == ':';
        }
}

void option_each_descriptor(
        const Option *option, void (*visit)(const char *name, void *userdata), void *userdata)
{
        each_in(option->json, visit, userdata);
}

typedef struct Giving {
        Machine *machine;
        const MachineParts *parts;
        Script *script;
        json_t *json;
        int status;
} Giving;

static void give(const char *name, void *userdata)
{
        Giving *g = userdata;
        int fd;

        if (g->status >= 0)
                g->status = find_fd(g->parts, name, &fd);
        if (g->status >= 0)
                script_add(
                        g->script, "getfd", json_pack("{s:s}", "fdname", name), fd, "closefd",
                        json_pack("{s:s}", "fdname", name));
}

static void give_set(const char *name, void *userdata)
{
        Giving *g = userdata;
        unsigned set = g->machine->next_set++;
        _cleanup_(freep) char *path = text_format("/dev/fdset/%u", set);
        int fd;

        if (!path)
                g->status = -ENOMEM;
        if (g->status >= 0)
                g->status = find_fd(g->parts, name, &fd);
        if (g->status < 0)
                return;
        add_fd_set(g->script, set, fd);
        arguments_set_path(g->json, path);
}

/* A host that lacks vhost-net gives none. */
static void drop_optional(const MachineParts *parts, json_t *json)
{
        const char *fd = json_string_value(json_object_get(json, "vhostfd"))
                                 ?: json_string_value(json_object_get(json, "vhostfds"));
        size_t n = fd ? strcspn(fd, ":") : 0;
        _cleanup_(freep) char *name = n > 0 ? strndup(fd + 1, n - 1) : NULL;

        if (!name || find_passed(parts, name))
                return;
        for (size_t i = 0; i < parts->options->try_fds.count; i++)
                if (streq(parts->options->try_fds.items[i].name, name)) {
                        (void) json_object_del(json, "vhost");
                        (void) json_object_del(json, "vhostfd");
                        (void) json_object_del(json, "vhostfds");
                        (void) json_object_del(json, "vhostforce");
                }
}

bool machine_may_use_passt(const RunOptions *options, const Option *netdev)
{
        for (size_t i = 0; i < options->passts.count; i++)
                if (options->passts.items[i].optional && streq(options->passts.items[i].id, netdev->id))
                        return true;
        return false;
}

/*
 * At a start, QEMU has its end of the socket as a number, in a network of type "stream". The monitor has it
 * by a name, which that type does not know, since QEMU connects it in a thread without a monitor. On the
 * wire, type "socket" is the same.
 */
static void use_passt(const MachineParts *parts, const Option *netdev, json_t **json)
{
        _cleanup_(freep) char *name = fd_name_passt(netdev->id), *named = text_format("@%s", name);
        json_t *network;

        if (!name || !named || !find_passed(parts, name))
                return;
        network = json_pack("{s:s, s:s, s:s}", "type", "socket", "id", netdev->id, "fd", named);
        if (network) {
                json_decref(*json);
                *json = network;
        }
}

int machine_script_overlay(Machine *m, const MachineParts *parts, const Option *option, Script *script)
{
        _cleanup_(json_decrefp) json_t *json = json_deep_copy(option->json);
        Node *node;

        if (!json)
                return log_out_of_memory();
        (void) json_object_set_new(json, "backing", json_null());
        rename_nodes(m, json);
        node = machine_new_node(m, option->id);
        if (!node)
                return log_out_of_memory();
        (void) json_object_set_new(json, "node-name", json_string(node->actual));
        add_node(script, json_incref(json));
        return 0;
}

int machine_script_add(Machine *m, const MachineParts *parts, const Option *option, Script *script)
{
        _cleanup_(json_decrefp) json_t *json = json_deep_copy(option->json), *arguments = NULL,
                                       *given = NULL;
        Giving giving = { m, parts, script, NULL, 0 };
        const char *set = option_text(option, "hostdevice") ?: option_text(option, "filename");

        if (!json)
                return log_out_of_memory();
        if (option->kind == QEMU_NETDEV) {
                drop_optional(parts, json);
                use_passt(parts, option, &json);
        }
        giving.json = json;
        given = json_deep_copy(json); /* since visitors change the other */
        each_in(given, set && text_after(set, "/dev/fdset/@") ? give_set : give, &giving);
        if (giving.status < 0)
                return giving.status;
        arguments_plain_names(json);
        if (option->kind == QEMU_BLOCKDEV)
                return script_node(m, parts, option, json, script);
        rename_nodes(m, json);
        arguments = arguments_of(option->kind, json);
        if (!arguments) {
                log_error(
                        "QEMU's %s %s cannot be added while the guest runs.", option->name + 1, option->id);
                return -EINVAL;
        }
        script_add(
                script, arguments_command(option->kind), TAKE_PTR(arguments), -EBADF,
                arguments_undo_command(option->kind), json_pack("{s:s}", "id", option->id));
        return 0;
}

/* ——— removing ——— */

static void remove_node(Script *script, const char *name)
{
        if (name)
                script_try(script, "blockdev-del", json_pack("{s:s}", "node-name", name));
}

static void remove_set(Script *script, unsigned set)
{
        if (set > 0)
                script_try(script, "remove-fd", json_pack("{s:I}", "fdset-id", (json_int_t) set));
}

void machine_script_remove(Machine *m, const Option *option, Script *script)
{
        Node *node = option->kind == QEMU_BLOCKDEV ? machine_find_node(m, option->id, false) : NULL;

        if (option->kind != QEMU_BLOCKDEV) {
                script_try(
                        script, arguments_undo_command(option->kind), json_pack("{s:s}", "id", option->id));
                return;
        }
        if (!node)
                return;
        remove_node(script, node->actual);
        for (size_t i = 0; i < node->below.count; i++) {
                remove_node(script, node->below.items[i].format);
                remove_node(script, node->below.items[i].storage);
        }
        remove_set(script, node->set);
        for (size_t i = 0; i < node->below.count; i++)
                remove_set(script, node->below.items[i].set);
        node->leaving = true;
}
