/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An image is put over another by a definition that names the new one, with the old one behind it. That the
 * image behind is the one that QEMU has is known from its file, not from its name: a name can be that of
 * another file meanwhile, and content that the guest wrote would be lost. All disks that get an overlay in
 * one reload get it in one transaction, so their images are of one moment.
 *
 * The way back needs a copy of what was written since, which is a job that vmctl starts and lets run until
 * both are alike; only then it writes the definition that names the image behind, and the reload ends the
 * job. So each definition that a crash may leave behind has all that the guest has written.
 *
 * A disk moves to another image in the same way: vmctl has QEMU open the copy, lets a job copy until both
 * are alike, and then writes the definition that names the copy. Which file QEMU has by the fd set of the
 * copy, vmctl has written on that set: a QEMU that lies about it harms its own disk only.
 *
 * QEMU has an image behind open for writing if it was on top before. It keeps that, since permissions are
 * QEMU's own matter from then on, and the locks of the file follow them.
 */

#include "launcher/reload/layers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "contract/fd-name.h"
#include "contract/limits.h"
#include "contract/words.h"
#include "log/log.h"
#include "util/text.h"

#define JOB_PATIENCE 60U /* seconds for a job that is ready to end */

static const char other_image[] = "its image is another one, which it gets at the next start";
static const char one_by_one[] = "one disk at a time can change to an image that it had not on top";
static const char no_job[] = "what was written since is not in its image yet: see vmctl snapshot delete";

void layer_changes_done(LayerChanges *changes)
{
        for (size_t i = 0; i < changes->count; i++) {
                layers_done(&changes->items[i].layers);
                layers_done(&changes->items[i].gone);
        }
        free(changes->items);
        *changes = (LayerChanges){ 0 };
}

/* ——— which files ——— */

typedef struct Chain {
        FileId ids[CHAIN_DEPTH_MAX];
        size_t count;
} Chain;

static void add_id(Chain *chain, FileId id)
{
        if (chain->count < CHAIN_DEPTH_MAX)
                chain->ids[chain->count++] = id;
}

static void find_ids(const LayerContext *c, const Images *images, const Option *top, Chain *ret)
{
        const Option *last = NULL;

        while (top) {
                const char *storage = option_text(top, "file") ?: top->id,
                           *next = option_text(top, "backing");
                _cleanup_(freep) char *name = fd_name_image(storage);

                add_id(ret, images_find(images, name));
                last = top;
                top = next ? command_line_find(c->parts->line, "-blockdev", next) : NULL;
        }
        for (unsigned depth = 1; last && strings_have(&c->parts->options->chains, last->id); depth++) {
                FileId id = images_find_backing(images, last->id, depth);

                if (id.inode == 0)
                        return;
                add_id(ret, id);
        }
}

static bool has_id(const Chain *chain, FileId id)
{
        for (size_t i = 0; i < chain->count; i++)
                if (file_id_equals(chain->ids[i], id))
                        return true;
        return false;
}

/* The index of the file among the layers, or their number. */
static size_t index_of(const Layers *layers, FileId id)
{
        size_t i = 0;

        while (i < layers->count && !file_id_equals(layers->items[i].file, id))
                i++;
        return i;
}

static bool are_all_there(const Layers *layers, const Chain *chain)
{
        for (size_t i = 0; i < chain->count; i++)
                if (index_of(layers, chain->ids[i]) == layers->count)
                        return false;
        return true;
}

/* What QEMU has and the new chain has not, from the first of these on. A layer of an unknown file belongs to
 * the one before. */
static int find_gone(LayerChange *change, const Chain *chain)
{
        bool gone = false;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < change->layers.count; i++) {
                const Layer *layer = &change->layers.items[i];

                if (layer->file.inode != 0)
                        gone = !has_id(chain, layer->file);
                if (gone)
                        r = layers_add(&change->gone, layer);
        }
        return r;
}

/* NULL, or why it needs a restart. */
static const char *decide(LayerChange *change, const Chain *chain)
{
        size_t at = chain->count > 0 ? index_of(&change->layers, chain->ids[0]) : change->layers.count;

        if (chain->count > 1 && index_of(&change->layers, chain->ids[1]) == 0 &&
            at == change->layers.count) {
                change->kind = LAYER_ADDED;
                return NULL;
        }
        if (chain->count == 1 && at == change->layers.count && chain->ids[0].inode != 0) {
                change->kind = LAYER_MOVED; /* if a job says so, see layers_check_jobs() */
                change->file = chain->ids[0];
                return NULL;
        }
        if (!are_all_there(&change->layers, chain) || at == change->layers.count)
                return other_image;
        change->kind = at == 0 ? LAYER_BELOW : LAYER_RETURN;
        return NULL;
}

static bool needs_job(const LayerChange *change)
{
        return change->kind == LAYER_RETURN || change->kind == LAYER_MOVED;
}

bool layers_need_jobs(const LayerChanges *changes)
{
        for (size_t i = 0; i < changes->count; i++)
                if (needs_job(&changes->items[i]))
                        return true;
        return false;
}

static int find_one(const LayerContext *c, const Images *images, Change *change, LayerChanges *changes)
{
        LayerChange layer = {
                .change = change,
                .was = difference_top_image(&c->machine->line, change->was),
                .is = difference_top_image(c->parts->line, change->is),
        };
        Chain chain = { 0 };
        const char *why;
        int r = machine_find_layers(c->machine, layer.was->id, &layer.layers);

        if (r < 0 && r != -ENOENT)
                return r;
        find_ids(c, images, layer.is, &chain);
        why = r < 0 ? other_image : decide(&layer, &chain);
        if (!why && needs_job(&layer) && layers_need_jobs(changes))
                why = one_by_one;
        r = why || layer.kind == LAYER_ADDED ? 0 : find_gone(&layer, &chain);
        if (why)
                difference_refuse_layers(&c->machine->line, c->parts->line, c->difference, change, why);
        if (why || r < 0) {
                layers_done(&layer.layers);
                layers_done(&layer.gone);
                return r;
        }
        changes->items[changes->count++] = layer;
        return 0;
}

int layers_find(const LayerContext *c, LayerChanges *ret)
{
        LayerChanges changes = { .items = calloc(c->difference->count + 1, sizeof(*changes.items)) };
        _cleanup_(images_done) Images images = { 0 };
        int r = changes.items ? images_note(&images, c->parts->fds) : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < c->difference->count; i++)
                if (c->difference->items[i].kind == CHANGE_LAYERS)
                        r = find_one(c, &images, &c->difference->items[i], &changes);
        if (r < 0) {
                layer_changes_done(&changes);
                return log_out_of_memory();
        }
        *ret = changes;
        return 0;
}

/* ——— jobs ——— */

static char *job_of(const LayerChange *change)
{
        return text_format(
                "%s%s", change->kind == LAYER_MOVED ? COPY_JOB : LAYER_JOB, change->change->is->id);
}

static bool is_ready(const json_t *jobs, const char *id)
{
        const json_t *job;
        size_t i;

        json_array_foreach((json_t *) jobs, i, job) {
                const char *name = json_string_value(json_object_get(job, "id"));
                const char *status = json_string_value(json_object_get(job, "status"));

                if (name && streq(name, id))
                        return status && streq(status, "ready");
        }
        return false;
}

static bool is_called(const json_t *set, const char *name)
{
        const json_t *fd;
        size_t i;

        json_array_foreach(json_object_get(set, "fds"), i, fd)
                if (streq_null(json_string_value(json_object_get(fd, "opaque")), name))
                        return true;
        return false;
}

/* The fd set with the file of the copy; 0 if there is none. */
static unsigned find_copy(const LayerChange *change, const json_t *sets)
{
        _cleanup_(freep) char *name = fd_name_copy(change->file.device, change->file.inode);
        const json_t *set;
        size_t i;

        json_array_foreach((json_t *) sets, i, set)
                if (name && is_called(set, name))
                        return (unsigned) json_integer_value(json_object_get(set, "fdset-id"));
        return 0;
}

static bool has_job(LayerChange *change, const json_t *jobs, const json_t *sets)
{
        _cleanup_(freep) char *job = job_of(change);

        if (change->kind == LAYER_MOVED)
                change->set = find_copy(change, sets);
        return job && is_ready(jobs, job) && (change->kind != LAYER_MOVED || change->set > 0);
}

void layers_check_jobs(const LayerContext *c, LayerChanges *changes, const json_t *jobs, const json_t *sets)
{
        size_t kept = 0;

        for (size_t i = 0; i < changes->count; i++) {
                LayerChange *change = &changes->items[i];

                if (!needs_job(change) || has_job(change, jobs, sets)) {
                        changes->items[kept++] = *change;
                        continue;
                }
                difference_refuse_layers(
                        &c->machine->line, c->parts->line, c->difference, change->change,
                        change->kind == LAYER_MOVED ? other_image : no_job);
                layers_done(&change->layers);
                layers_done(&change->gone);
        }
        changes->count = kept;
}

/* ——— the script ——— */

static int add_overlay(const LayerContext *c, LayerChange *change, Script *script, json_t *actions)
{
        const Layer *old = &change->layers.items[0];
        const Option *storage =
                command_line_find(c->parts->line, "-blockdev", option_text(change->is, "file") ?: "");
        int r;

        if (!storage)
                return -EINVAL;
        machine_set_chain_leaving(c->machine, change->was->id, true);
        change->begun = true;
        r = machine_script_add(c->machine, c->parts, storage, script);
        r = r < 0 ? r : machine_script_overlay(c->machine, c->parts, change->is, script);
        if (r < 0)
                return r;
        (void) json_array_append_new(
                actions,
                json_pack(
                        "{s:s, s:{s:s, s:s}}", "type", "blockdev-snapshot", "data", "node",
                        old->format ?: old->storage, "overlay", machine_node(c->machine, change->is->id)));
        return 0;
}

static json_t *node_name(const char *name)
{
        return json_pack("{s:s}", "node-name", name);
}

/* The first command fails if QEMU still uses the image. The script fails with that only if it is required:
 * what cannot be undone must not have been done before. */
static void remove_gone(const LayerChange *change, bool required, Script *script)
{
        const Layers *gone = &change->gone;

        for (size_t i = 0; i < gone->count; i++) {
                const Layer *layer = &gone->items[i];

                if (layer->format && i == 0 && required)
                        script_add(script, "blockdev-del", node_name(layer->format), -EBADF, NULL, NULL);
                else if (layer->format)
                        script_try(script, "blockdev-del", node_name(layer->format));
                script_try(script, "blockdev-del", node_name(layer->storage));
                if (layer->set > 0)
                        script_try(
                                script, "remove-fd",
                                json_pack("{s:I}", "fdset-id", (json_int_t) layer->set));
        }
}

static int end_job(const LayerChange *change, Script *script)
{
        _cleanup_(freep) char *job = job_of(change);

        if (!job)
                return log_out_of_memory();
        script_add(script, "job-complete", json_pack("{s:s}", "id", job), -EBADF, NULL, NULL);
        script_wait(script);
        script_add(script, "job-dismiss", json_pack("{s:s}", "id", job), -EBADF, NULL, NULL);
        script_insist(script, JOB_PATIENCE);
        script_wait(script);
        return 0;
}

int layers_script(const LayerContext *c, LayerChanges *changes, Script *script)
{
        json_t *actions = json_array();
        bool final = false;
        int r = actions ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < changes->count; i++)
                if (changes->items[i].kind == LAYER_ADDED)
                        r = add_overlay(c, &changes->items[i], script, actions);
        if (r >= 0 && json_array_size(actions) > 0) {
                script_add(
                        script, "transaction", json_pack("{s:O}", "actions", actions), -EBADF, NULL, NULL);
                script_wait(script); /* the guest would write to overlays of which nobody knows */
                final = true;
        }
        for (size_t i = 0; r >= 0 && i < changes->count; i++) {
                if (changes->items[i].kind == LAYER_ADDED)
                        continue;
                if (needs_job(&changes->items[i])) {
                        r = end_job(&changes->items[i], script);
                        final = true;
                }
                remove_gone(&changes->items[i], !final, script);
                final = true;
        }
        json_decref(actions);
        return r;
}

/* ——— afterwards ——— */

/* What vmctl has added, as the definition has it. */
static int add_copy(const LayerContext *c, const LayerChange *change, Layers *now)
{
        const char *file = option_text(change->is, "file");
        const Option *option = file ? command_line_find(c->parts->line, "-blockdev", file) : change->is;
        _cleanup_(freep) char *storage = fd_name_copy_storage(change->set),
                              *format = file ? fd_name_copy_format(change->set) : NULL,
                              *path = text_format("/dev/fdset/%u", change->set);
        _cleanup_(json_decrefp) json_t *options = option ? json_copy(option->json) : NULL;

        if (!options || !storage || (file && !format) || !path)
                return -ENOMEM;
        (void) json_object_set_new(options, "node-name", json_string(storage));
        (void) json_object_set_new(options, "filename", json_string(path));
        (void) json_object_set_new(options, "read-only", json_false());
        (void) json_object_set_new(options, "auto-read-only", json_false());
        return layers_add(
                now, &(Layer){ .format = format,
                               .storage = storage,
                               .set = change->set,
                               .file = change->file,
                               .options = options });
}

static int settle_one(const LayerContext *c, const LayerChange *change)
{
        const Layers *old = &change->layers;
        Layers now = { 0 };
        int r = 0;

        if (change->kind == LAYER_ADDED)
                r = machine_add_layer_of(c->machine, change->is, &now);
        else if (change->kind == LAYER_MOVED)
                r = add_copy(c, change, &now);
        for (size_t i = 0; r >= 0 && i < old->count; i++) {
                bool gone = false;

                for (size_t j = 0; j < change->gone.count; j++)
                        gone = gone || streq(change->gone.items[j].storage, old->items[i].storage);
                if (!gone)
                        r = layers_add(&now, &old->items[i]);
        }
        machine_set_chain_leaving(c->machine, change->was->id, true);
        r = r < 0 ? r
                  : machine_replace_chain(c->machine, change->was->id, c->parts->line, change->is->id, &now);
        layers_done(&now);
        return r;
}

int layers_settle(const LayerContext *c, const LayerChanges *changes)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < changes->count; i++)
                r = settle_one(c, &changes->items[i]);
        return r < 0 ? log_out_of_memory() : 0;
}

void layers_forget(const LayerContext *c, const LayerChanges *changes)
{
        for (size_t i = 0; i < changes->count; i++) {
                const LayerChange *change = &changes->items[i];

                if (!change->begun)
                        continue;
                machine_forget_node(c->machine, change->is->id, false);
                machine_forget_node(c->machine, option_text(change->is, "file") ?: "", false);
                machine_set_chain_leaving(c->machine, change->was->id, false);
        }
}
