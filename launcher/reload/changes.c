/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whatever can be refused comes before a guest sees anything: first images, networks and the like, then
 * devices, then media, then values. What goes is removed last, since nobody can undo that a guest saw a
 * device go.
 */

#include "launcher/reload/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "contract/fd-name.h"
#include "launcher/machine/processors.h"
#include "log/log.h"
#include "util/text.h"

#define TRAY_PATIENCE 5U /* seconds for a guest to unlock a drive that it uses */

char *changes_label(const Option *option, const DiskNames *disks)
{
        const char *drive = option_text(option, "drive"), *driver = option_text(option, "driver");
        const DiskName *disk = disk_names_find(disks, drive);

        if (disk && disk->target)
                return text_format("disk %s", disk->target);
        if (option->kind == QEMU_DEVICE && option_text(option, "mac"))
                return text_format("network card %s", option->id);
        if (option->kind == QEMU_DEVICE)
                return text_format("device %s (%s)", option->id, driver ?: "unknown");
        return text_format("%s %s", option->name + 1, option->id);
}

/* ——— what is part of what ——— */

/* Calls visit for the nodes of a drive, those that others refer to first. */
static void each_node(
        const CommandLine *line, const char *name, void (*visit)(const Option *node, void *userdata),
        void *userdata)
{
        const Option *node = name ? command_line_find(line, "-blockdev", name) : NULL;

        if (!node)
                return;
        each_node(line, option_text(node, "backing"), visit, userdata);
        each_node(line, option_text(node, "file"), visit, userdata);
        visit(node, userdata);
}

static const Option *option_of(const Change *change)
{
        return change->is ?: change->was;
}

/* Whether user needs the part, directly or through other options that come, or go, as well. */
static bool needs(const Difference *d, ChangeKind kind, const Option *user, const Option *part)
{
        if (option_refers_to(user, part->id))
                return true;
        for (size_t i = 0; i < d->count; i++) {
                const Option *between = option_of(&d->items[i]);

                if (d->items[i].kind == kind && between->kind != QEMU_DEVICE && between != part &&
                    between != user && option_refers_to(user, between->id) && needs(d, kind, between, part))
                        return true;
        }
        return false;
}

/* The device that the part is for, if that comes or goes with it. */
static const Change *owner_of(const Difference *d, ChangeKind kind, const Option *part)
{
        for (size_t i = 0; i < d->count; i++)
                if (d->items[i].kind == kind && option_of(&d->items[i])->kind == QEMU_DEVICE &&
                    needs(d, kind, option_of(&d->items[i]), part))
                        return &d->items[i];
        return NULL;
}

/* ——— descriptors ——— */

typedef struct Visit {
        const RunOptions *options;
        void (*visit)(const char *name, void *userdata);
        void *userdata;
} Visit;

static void visit_name(char *name, const Visit *v)
{
        if (name)
                v->visit(name, v->userdata);
        free(name);
}

static void visit_option(const Option *option, void *userdata)
{
        const Visit *v = userdata;

        option_each_descriptor(option, v->visit, v->userdata);
        if (option->kind == QEMU_NETDEV && machine_may_use_passt(v->options, option))
                visit_name(fd_name_passt(option->id), v);
        if (option->kind != QEMU_BLOCKDEV)
                return;
        if (strings_have(&v->options->images, option->id))
                visit_name(fd_name_image(option->id), v);
        if (strings_have(&v->options->chains, option->id))
                visit_name(fd_name_chain_prefix(option->id), v);
}

void changes_each_descriptor(
        const Difference *difference, const CommandLine *is, const RunOptions *options,
        void (*visit)(const char *name, void *userdata), void *userdata)
{
        Visit v = { options, visit, userdata };

        for (size_t i = 0; i < difference->count; i++) {
                const Change *change = &difference->items[i];

                if (change->kind == CHANGE_ADD)
                        visit_option(change->is, &v);
                else if (change->kind == CHANGE_MEDIUM || change->kind == CHANGE_LAYERS)
                        each_node(is, option_text(change->is, "drive"), visit_option, &v);
        }
}

/* ——— additions ——— */

typedef struct Addition {
        const Changes *changes;
        Script *script;
        int status;
} Addition;

static void add_option(const Option *option, void *userdata)
{
        Addition *a = userdata;

        if (a->status >= 0)
                a->status = machine_script_add(a->changes->machine, a->changes->parts, option, a->script);
}

/* A device's parts and the device are a group of the script. */
static unsigned group_of(const Difference *d, const Change *device)
{
        return device ? (unsigned) (device - d->items) + 1 : 0;
}

static void add_all(Addition *a, bool devices)
{
        const Difference *d = a->changes->difference;

        for (size_t i = 0; i < d->count; i++) {
                const Change *change = &d->items[i];

                if (change->kind != CHANGE_ADD || (change->is->kind == QEMU_DEVICE) != devices)
                        continue;
                script_set_group(
                        a->script, group_of(d, devices ? change : owner_of(d, CHANGE_ADD, change->is)));
                add_option(change->is, a);
        }
        script_set_group(a->script, 0);
}

/* ——— media ——— */

static json_t *with_node(const char *drive, const char *node)
{
        return json_pack("{s:s, s:s}", "id", drive, "node-name", node);
}

static json_t *with_id(const char *drive)
{
        return json_pack("{s:s}", "id", drive);
}

/* was_node: what QEMU calls the medium that is in the drive; NULL if there is none. */
static void change_medium(Addition *a, const Option *drive, const char *was_node)
{
        Script *s = a->script;
        const char *node = option_text(drive, "drive"), *id = drive->id;

        script_add(s, "blockdev-open-tray", with_id(id), -EBADF, "blockdev-close-tray", with_id(id));
        if (was_node)
                script_add(
                        s, "blockdev-remove-medium", with_id(id), -EBADF, "blockdev-insert-medium",
                        with_node(id, was_node));
        script_insist(s, TRAY_PATIENCE);
        if (node)
                script_add(
                        s, "blockdev-insert-medium", with_node(id, machine_node(a->changes->machine, node)),
                        -EBADF, "blockdev-remove-medium", with_id(id));
        /* an empty drive of a guest stays open after an eject, as one made of metal would */
        if (node)
                script_add(s, "blockdev-close-tray", with_id(id), -EBADF, "blockdev-open-tray", with_id(id));
}

/* The old medium's nodes are leaving already, see changes_media_removals(). */
static void change_media(Addition *a)
{
        const Difference *d = a->changes->difference;
        const Machine *m = a->changes->machine;

        for (size_t i = 0; i < d->count && a->status >= 0; i++) {
                const Change *change = &d->items[i];
                const char *was = change->was ? option_text(change->was, "drive") : NULL;

                if (change->kind != CHANGE_MEDIUM)
                        continue;
                each_node(a->changes->parts->line, option_text(change->is, "drive"), add_option, a);
                if (a->status >= 0)
                        change_medium(a, change->is, was ? machine_leaving_node(m, was) : NULL);
        }
}

/* ——— values ——— */

static void set_property(Script *s, const char *id, const char *property, json_t *value, json_t *old)
{
        script_add(
                s, "qom-set", json_pack("{s:s, s:s, s:o}", "path", id, "property", property, "value", value),
                -EBADF, "qom-set",
                json_pack("{s:s, s:s, s:o}", "path", id, "property", property, "value", old));
}

static json_t *value_of(const Option *option, const char *key, json_int_t otherwise)
{
        json_t *value = json_object_get(option->json, key);

        return value ? json_incref(value) : json_integer(otherwise);
}

static void change_value(Addition *a, const Change *change)
{
        const char *key = change->kind == CHANGE_LIMITS ? "limits"
                          : change->kind == CHANGE_SIZE ? "requested-size"
                                                        : "bootindex";

        set_property(
                a->script, change->is->id, key, value_of(change->is, key, -1),
                value_of(change->was, key, -1));
}

/* A processor that can be added; nth from 0. Its properties say where. */
static const json_t *vacant_vcpu(const json_t *vcpus, size_t nth)
{
        const json_t *vcpu;
        size_t i;

        /* QEMU lists the last first */
        for (i = json_array_size(vcpus); i-- > 0;) {
                vcpu = json_array_get(vcpus, i);
                if (!json_object_get(vcpu, "qom-path") && nth-- == 0)
                        return vcpu;
        }
        return NULL;
}

static void add_vcpus(Addition *a, unsigned n)
{
        for (unsigned i = 0; i < n && a->status >= 0; i++) {
                const json_t *vcpu = vacant_vcpu(a->changes->vcpus, i);
                json_t *arguments = vcpu ? json_deep_copy(json_object_get(vcpu, "props")) : NULL;
                _cleanup_(freep) char *id =
                        text_format(PROCESSOR_PREFIX "%u", ++a->changes->machine->generation);

                if (!vcpu) {
                        log_error("QEMU has no room for another virtual processor.");
                        a->status = -EINVAL;
                        json_decref(arguments);
                        return;
                }
                if (!id || strings_add(&a->changes->machine->new_vcpus, id) < 0)
                        a->status = -ENOMEM;
                (void) json_object_set_new(arguments, "id", json_string(id ?: ""));
                (void) json_object_set(arguments, "driver", json_object_get(vcpu, "type"));
                script_add(a->script, "device_add", arguments, -EBADF, "device_del", with_id(id ?: ""));
        }
}

/* The part of a virtio disk that uses the image is an object of its own. */
static void change_filter(Addition *a, const Change *change)
{
        const char *driver = option_text(change->is, "driver"), *was = option_text(change->was, "drive"),
                   *is = option_text(change->is, "drive");
        const Machine *m = a->changes->machine;
        _cleanup_(freep) char *path = text_format(
                "/machine/peripheral/%s%s", change->is->id,
                text_after(driver, "virtio-blk") ? "/virtio-backend" : "");

        if (!path) {
                a->status = -ENOMEM;
                return;
        }
        set_property(
                a->script, path, "drive", json_string(machine_node(m, is)),
                json_string(machine_leaving_node(m, was) ?: machine_node(m, was)));
}

static void change_values(Addition *a)
{
        const Difference *d = a->changes->difference;

        for (size_t i = 0; i < d->count; i++) {
                const Change *change = &d->items[i];
                unsigned n = change->kind == CHANGE_VCPUS ? processors_count(change->is->text) : 0;

                if (change->kind == CHANGE_LIMITS || change->kind == CHANGE_SIZE ||
                    change->kind == CHANGE_BOOT)
                        change_value(a, change);
                else if (change->kind == CHANGE_FILTER)
                        change_filter(a, change);
                else if (n > a->changes->n_vcpus)
                        add_vcpus(a, n - a->changes->n_vcpus);
        }
}

int changes_script(const Changes *c, Script *script)
{
        Addition a = { .changes = c, .script = script };

        add_all(&a, false);
        add_all(&a, true);
        change_media(&a);
        if (a.status >= 0)
                change_values(&a);
        return a.status;
}

/* ——— what goes ——— */

static int add_parts_of(const Difference *d, ChangeKind kind, const Change *owner, CommandLine *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < d->count; i++) {
                const Change *change = &d->items[i];

                if (change->kind == kind && option_of(change)->kind != QEMU_DEVICE &&
                    owner_of(d, kind, option_of(change)) == owner)
                        r = command_line_add(ret, option_of(change));
        }
        return r;
}

/* NULL: what no device owns. */
static int remove_one(const Changes *c, ChangeKind kind, const Change *owner, Removals *removals)
{
        const Option *device = owner ? option_of(owner) : NULL;
        _cleanup_(command_line_done) CommandLine parts = { 0 };
        const DiskNames *disks = kind == CHANGE_ADD ? &c->parts->options->life.disks : c->disks;
        _cleanup_(freep) char *label = device ? changes_label(device, disks) : strdup("parts");
        int r = add_parts_of(c->difference, kind, owner, &parts);

        if (r < 0 || !label)
                return log_out_of_memory();
        return device || parts.count > 0 ? removals_add(removals, device, &parts, label) : 0;
}

typedef struct Medium {
        CommandLine nodes;
        int status;
} Medium;

static void note_node(const Option *node, void *userdata)
{
        Medium *m = userdata;

        if (m->status >= 0)
                m->status = command_line_add(&m->nodes, node);
}

static int remove_medium(const Changes *c, const Option *drive, Removals *removals)
{
        Medium m = { 0 };

        each_node(&c->machine->line, option_text(drive, "drive"), note_node, &m);
        if (m.status >= 0 && m.nodes.count > 0)
                m.status = removals_add(removals, NULL, &m.nodes, NULL);
        command_line_done(&m.nodes);
        return m.status;
}

static int remove_vcpus(const Changes *c, const Change *change, Removals *removals)
{
        const Strings *ids = &c->machine->vcpus;
        unsigned n = processors_count(change->is->text);
        int r = 0;

        for (size_t i = ids->count; r >= 0 && i > 0 && c->n_vcpus - (ids->count - i) > n; i--) {
                const CommandLine none = { 0 };
                const Option vcpu = { .kind = QEMU_DEVICE, .name = "-device", .id = ids->items[i - 1] };

                r = removals_add(removals, &vcpu, &none, "a virtual processor");
        }
        return r;
}

int changes_removals(const Changes *c, Removals *removals)
{
        const Difference *d = c->difference;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < d->count; i++) {
                const Change *change = &d->items[i];

                if (change->kind == CHANGE_REMOVE && change->was->kind == QEMU_DEVICE)
                        r = remove_one(c, CHANGE_REMOVE, change, removals);
                else if (change->kind == CHANGE_VCPUS)
                        r = remove_vcpus(c, change, removals);
        }
        return r < 0 ? r : remove_one(c, CHANGE_REMOVE, NULL, removals);
}

int changes_media_removals(const Changes *c, Removals *removals)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < c->difference->count; i++)
                if (c->difference->items[i].kind == CHANGE_MEDIUM)
                        r = remove_medium(c, c->difference->items[i].was, removals);
        return r;
}

int changes_withdraw(const Changes *c, Script *script, Removals *removals)
{
        const Difference *d = c->difference;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < d->count; i++) {
                const Change *change = &d->items[i];
                unsigned group = group_of(d, change);

                if (change->kind != CHANGE_ADD || change->is->kind != QEMU_DEVICE ||
                    !script_has_done(script, group))
                        continue;
                script_keep_group(script, group);
                r = remove_one(c, CHANGE_ADD, change, removals);
        }
        return r;
}

/* ——— the whole ——— */

bool changes_need_room(const Difference *difference)
{
        for (size_t i = 0; i < difference->count; i++)
                for (size_t j = 0; j < difference->count; j++) {
                        const Option *old = difference->items[i].was, *new = difference->items[j].is;

                        if (difference->items[i].kind == CHANGE_REMOVE &&
                            difference->items[j].kind == CHANGE_ADD && old->kind == QEMU_DEVICE &&
                            new->kind == QEMU_DEVICE &&option_text(old, "addr") &&
                            streq_null(option_text(old, "bus"), option_text(new, "bus")) &&
                            streq_null(option_text(old, "addr"), option_text(new, "addr")))
                                return true;
                }
        return false;
}

static void forget_node(const Option *node, void *userdata)
{
        machine_forget_node(userdata, node->id, false);
}

void changes_forget(const Changes *c)
{
        strings_done(&c->machine->new_vcpus);
        for (size_t i = 0; i < c->difference->count; i++) {
                const Change *change = &c->difference->items[i];

                if (change->kind == CHANGE_ADD && change->is->kind == QEMU_BLOCKDEV)
                        machine_forget_node(c->machine, change->is->id, false);
                else if (change->kind == CHANGE_MEDIUM)
                        each_node(c->parts->line, option_text(change->is, "drive"), forget_node, c->machine);
        }
}

int changes_settle(const Changes *c)
{
        CommandLine line = { 0 };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < c->difference->count; i++) {
                const Change *change = &c->difference->items[i];
                const Option *stays = change->kind == CHANGE_RESTART || change->kind == CHANGE_REMOVE
                                              ? change->was
                                              : change->is; /* what goes is there until it is gone */

                if (stays)
                        r = command_line_add(&line, stays);
        }
        if (r < 0) {
                command_line_done(&line);
                return log_out_of_memory();
        }
        command_line_done(&c->machine->line);
        c->machine->line = line;
        for (size_t i = 0; r >= 0 && i < c->machine->new_vcpus.count; i++)
                r = strings_add(&c->machine->vcpus, c->machine->new_vcpus.items[i]);
        strings_done(&c->machine->new_vcpus);
        return r < 0 ? log_out_of_memory() : 0;
}
