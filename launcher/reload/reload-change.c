/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Carries out a difference: a script for QEMU's monitor, which is undone if a part of it fails, and then the
 * removals, which take as long as the guest likes. Devices that a failed script had added are removed like
 * others, because the guest has seen them.
 */

#include "launcher/reload/reload-private.h"

#include <errno.h>
#include <stdlib.h>

#include "contract/exit.h"
#include "contract/message-ids.h"
#include "launcher/machine/processors.h"
#include "log/log.h"
#include "util/text.h"

/* ——— what changed ——— */

static void log_changes(const Reload *r)
{
        for (size_t i = 0; i < r->difference.count; i++) {
                const Change *change = &r->difference.items[i];
                _cleanup_(freep) char *label = NULL;
                const char *verb = change->kind == CHANGE_ADD      ? "Added"
                                   : change->kind == CHANGE_MEDIUM ? "Changed the medium of"
                                   : change->kind == CHANGE_LIMITS || change->kind == CHANGE_FILTER
                                           ? "Changed the limits of"
                                   : change->kind == CHANGE_SIZE   ? "Changed the size of"
                                   : change->kind == CHANGE_LAYERS ? "Changed the images of"
                                                                   : NULL;

                if (!verb || (change->kind == CHANGE_ADD && change->is->kind != QEMU_DEVICE))
                        continue;
                label = changes_label(change->is, &r->options.life.disks);
                if (label)
                        log_entry(LOG_INFO, MESSAGE_ID_CHANGED, NULL, "%s %s.", verb, label);
        }
}

void reload_drop_pending(Reload *r)
{
        for (size_t i = 0; i < r->n_pending; i++) {
                free(r->pending[i].device);
                free(r->pending[i].text);
        }
        free(r->pending);
        r->pending = NULL;
        r->n_pending = 0;
}

/* Takes the text. */
static void add_pending(Reload *r, const Option *option, char *text)
{
        PendingChange *bigger = reallocarray(r->pending, r->n_pending + 1, sizeof(*bigger));

        if (bigger)
                r->pending = bigger;
        if (!bigger || !text) {
                free(text);
                (void) log_out_of_memory();
                return;
        }
        bigger[r->n_pending++] = (PendingChange){
                .device = option->kind == QEMU_DEVICE ? strdup(option->id) : NULL,
                .text = text,
        };
        log_entry(
                LOG_NOTICE, MESSAGE_ID_NEEDS_RESTART, NULL,
                "In the guest's definition %s: this needs a restart of the guest.", text);
}

/* Parts of a device are told with it. */
static void note_pending(Reload *r, const Change *change)
{
        const Option *option = change->is ?: change->was;
        _cleanup_(freep) char *label =
                changes_label(option, change->is ? &r->options.life.disks : &r->context.options->life.disks);
        const char *what = !change->was ? "is new" : !change->is ? "is gone" : "has changed";

        if (option->kind == QEMU_OTHER)
                add_pending(r, option, text_format("QEMU's option %s %s", option->name, what));
        else if (option->kind == QEMU_DEVICE || (change->was && change->is))
                add_pending(
                        r, option,
                        text_format(
                                "%s %s%s%s", label ?: option->id, what, change->why ? ", and " : "",
                                change->why ?: ""));
}

void reload_tell_pending(Reload *r)
{
        reload_drop_pending(r);
        for (size_t i = 0; i < r->difference.count; i++)
                if (r->difference.items[i].kind == CHANGE_RESTART)
                        note_pending(r, &r->difference.items[i]);
}

/* ——— QEMU ——— */

static void on_settled(bool failed, void *userdata)
{
        reload_finish(userdata, failed ? EXIT_OS : EXIT_SUCCESS);
}

/* What the guest's definition says beside QEMU's command line. */
static void take_over_options(Reload *r)
{
        LifecycleOptions *was = &r->context.options->life, *is = &r->options.life;
        Strings links = was->links_down, bandwidths = was->bandwidths;
        DiskNames disks = was->disks;

        was->disks = is->disks;
        was->links_down = is->links_down;
        was->bandwidths = is->bandwidths;
        was->balloon = is->balloon;
        for (size_t i = 0; i < was->disks.count; i++)
                disk_name_set_actual(
                        &was->disks.items[i], machine_node(&r->machine, was->disks.items[i].node));
        is->disks = disks;
        is->links_down = links;
        is->bandwidths = bandwidths;
}

static bool has_image(const char *name, FileId file, const void *machine)
{
        return machine_has_image(machine, name, file);
}

/* A change that waits for a restart has brought images, too, which the guest does not have. */
static void note_images(Reload *r)
{
        if (images_update(r->context.images, &r->fds, has_image, &r->machine) < 0)
                log_warning(
                        "Cannot note the guest's new images; a guest that is saved may not be restored.");
}

static void settle(Reload *r)
{
        MachineParts parts;
        Changes c = reload_changes(r, &parts);

        LayerContext layers = reload_layers(r, &parts);

        log_changes(r);
        if (layers_settle(&layers, &r->layers) < 0 || changes_settle(&c) < 0) {
                reload_finish(r, EXIT_OS);
                return;
        }
        r->difference.count = 0; /* it points into what is gone */
        take_over_options(r);
        note_images(r);
        if (removals_start(r->removals, on_settled, r) < 0)
                reload_finish(r, EXIT_OS);
}

static void on_withdrawn(bool failed, void *userdata)
{
        reload_abandon(userdata);
}

static void on_undone(const char *failed, void *userdata)
{
        Reload *r = userdata;

        if (removals_start(r->removals, on_withdrawn, r) < 0)
                reload_abandon(r);
}

static void on_changed(const char *failed, void *userdata)
{
        Reload *r = userdata;
        MachineParts parts;
        Changes c = reload_changes(r, &parts);

        if (!failed) {
                settle(r);
                return;
        }
        log_error("QEMU does not carry the change out: %s", failed);
        removals_drop(r->removals); /* what was to go stays */
        if (changes_withdraw(&c, r->script, r->removals) < 0 || script_undo(r->script, on_undone, r) < 0)
                reload_abandon(r);
}

static void change_links(Reload *r)
{
        const Strings *was = &r->context.options->life.links_down, *is = &r->options.life.links_down;

        for (size_t i = 0; i < is->count; i++)
                if (!strings_have(was, is->items[i]))
                        script_add(
                                r->script, "set_link",
                                json_pack("{s:s, s:b}", "name", is->items[i], "up", 0), -EBADF, "set_link",
                                json_pack("{s:s, s:b}", "name", is->items[i], "up", 1));
        for (size_t i = 0; i < was->count; i++)
                if (!strings_have(is, was->items[i]) &&
                    command_line_find(&r->line, "-device", was->items[i]))
                        script_add(
                                r->script, "set_link",
                                json_pack("{s:s, s:b}", "name", was->items[i], "up", 1), -EBADF, "set_link",
                                json_pack("{s:s, s:b}", "name", was->items[i], "up", 0));
}

/* "size=524288k,slots=…" in bytes; 0 if unknown */
static uint64_t memory_size(const CommandLine *line)
{
        const Option *m = command_line_find(line, "-m", "0");
        const char *size = m && m->text ? text_after(m->text, "size=") : NULL;

        return size ? strtoull(size, NULL, 10) << 10 : 0;
}

static void change_balloon(Reload *r)
{
        uint64_t all = memory_size(&r->machine.line), was = r->context.options->life.balloon ?: all,
                 is = r->options.life.balloon ?: all;

        if (was != is && is > 0 && was > 0)
                script_add(
                        r->script, "balloon", json_pack("{s:I}", "value", (json_int_t) is), -EBADF,
                        "balloon", json_pack("{s:I}", "value", (json_int_t) was));
}

static void run_script(Reload *r)
{
        MachineParts parts;
        Changes c = reload_changes(r, &parts);
        LayerContext layers = reload_layers(r, &parts);

        if (script_new(r->context.monitor, &r->script) < 0 || changes_media_removals(&c, r->removals) < 0 ||
            changes_script(&c, r->script) < 0) {
                reload_abandon(r);
                return;
        }
        change_links(r);
        change_balloon(r);
        if (layers_script(&layers, &r->layers, r->script) < 0 || script_run(r->script, on_changed, r) < 0)
                reload_abandon(r);
}

static void on_room(bool failed, void *userdata)
{
        Reload *r = userdata;

        for (size_t i = 0; i < r->difference.count; i++)
                if (r->difference.items[i].kind == CHANGE_REMOVE &&
                    removals_have(r->removals, r->difference.items[i].was->id))
                        failed = true;
        if (failed) {
                log_error("What is new takes the place of a device that the guest still uses.");
                reload_abandon(r);
        } else
                run_script(r);
}

static void change(Reload *r)
{
        MachineParts parts;
        Changes c = reload_changes(r, &parts);

        if (changes_removals(&c, r->removals) < 0)
                reload_abandon(r);
        else if (!changes_need_room(&r->difference))
                run_script(r);
        else if (removals_start(r->removals, on_room, r) < 0)
                reload_abandon(r);
}

static void on_vcpus(const json_t *result, const char *error, void *userdata)
{
        Reload *r = userdata;

        if (!result) {
                log_error("QEMU does not say which processors can be added: %s", error);
                reload_abandon(r);
                return;
        }
        r->vacant = json_incref((json_t *) result);
        change(r);
}

static bool adds_vcpus(const Reload *r)
{
        for (size_t i = 0; i < r->difference.count; i++)
                if (r->difference.items[i].kind == CHANGE_VCPUS)
                        return processors_count(r->difference.items[i].is->text) >
                               r->machine.boot_vcpus + r->machine.vcpus.count;
        return false;
}

static void change_devices(Reload *r)
{
        reload_tell_pending(r);
        if (!adds_vcpus(r))
                change(r);
        else if (
                monitor_execute(
                        r->context.monitor, "query-hotpluggable-cpus", NULL, on_vcpus, r, MONITOR_PATIENCE) <
                0)
                reload_abandon(r);
}

static void on_sets(const json_t *result, const char *error, void *userdata)
{
        Reload *r = userdata;
        MachineParts parts;
        LayerContext c = reload_layers(r, &parts);

        layers_check_jobs(&c, &r->layers, r->jobs, result);
        change_devices(r);
}

static void on_jobs(const json_t *result, const char *error, void *userdata)
{
        Reload *r = userdata;

        r->jobs = json_incref((json_t *) result);
        if (monitor_execute(r->context.monitor, "query-fdsets", NULL, on_sets, r, MONITOR_PATIENCE) < 0)
                reload_abandon(r);
}

void reload_change(Reload *r)
{
        MachineParts parts;
        LayerContext c = reload_layers(r, &parts);

        r->phase = RELOAD_CHANGING;
        if (layers_find(&c, &r->layers) < 0)
                reload_abandon(r);
        else if (!layers_need_jobs(&r->layers))
                change_devices(r);
        else if (monitor_execute(r->context.monitor, "query-jobs", NULL, on_jobs, r, MONITOR_PATIENCE) < 0)
                reload_abandon(r);
}
