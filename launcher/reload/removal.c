/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A device is removed in two steps: the guest is asked to let it go, and when QEMU says that it did, what is
 * behind the device is removed, and last the descriptors and sockets on this side. A device that is refused
 * stays as it is; one that the guest only keeps for now is asked for again by the next reload.
 */

#include "launcher/reload/removal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "contract/fd-name.h"
#include "contract/limits.h"
#include "contract/message-ids.h"
#include "launcher/store/fd-store.h"
#include "log/log.h"
#include "util/text.h"

typedef enum Stage {
        STAGE_ADDED,
        STAGE_WAITS,    /* to be asked for */
        STAGE_ASKED,    /* the guest has time to let it go */
        STAGE_LATE,     /* it had time enough */
        STAGE_CLEARING, /* what is behind it is being removed */
} Stage;

typedef struct Removal {
        Removals *owner;
        CommandLine device, parts; /* device: one option, or none */
        char *label;
        Script *script; /* removes the parts */
        Stage stage;
        struct Removal *next;
} Removal;

struct Removals {
        Monitor *monitor;
        Machine *machine;
        RemovalsEnded ended;
        void *ended_userdata;
        Removal *first;
        sd_event_source *timer;
        bool asking, failed; /* failed: one of those that were begun last */
        RemovalsDone done;
        void *userdata;
};

int removals_new(Monitor *monitor, Machine *machine, RemovalsEnded ended, void *userdata, Removals **ret)
{
        Removals *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        *r = (Removals){
                .monitor = monitor, .machine = machine, .ended = ended, .ended_userdata = userdata
        };
        *ret = r;
        return 0;
}

static const char *device_id(const Removal *removal)
{
        return removal->device.count > 0 ? removal->device.items[0].id : NULL;
}

static void removal_free(Removal *removal)
{
        monitor_forget(removal->owner->monitor, removal);
        command_line_done(&removal->device);
        command_line_done(&removal->parts);
        free(removal->label);
        script_free(removal->script);
        free(removal);
}

static void unlink_removal(Removal *removal)
{
        Removal **at = &removal->owner->first;

        while (*at != removal)
                at = &(*at)->next;
        *at = removal->next;
}

Removals *removals_free(Removals *r)
{
        if (!r)
                return NULL;
        while (r->first) {
                Removal *removal = r->first;

                r->first = removal->next;
                removal_free(removal);
        }
        monitor_forget(r->monitor, r);
        sd_event_source_disable_unref(r->timer);
        free(r);
        return NULL;
}

bool removals_are_left(const Removals *r)
{
        return r->first;
}

static Removal *find(const Removals *r, const char *id)
{
        Removal *removal = r->first;

        while (removal && !(id && streq_null(device_id(removal), id)))
                removal = removal->next;
        return removal;
}

bool removals_have(const Removals *r, const char *id)
{
        return find(r, id);
}

/* What is behind a part is removed after it. */
static int fill(Removal *removal, const Option *device, const CommandLine *parts)
{
        int r = script_new(removal->owner->monitor, &removal->script);

        if (r >= 0 && device)
                r = command_line_add(&removal->device, device);
        for (size_t i = parts->count; r >= 0 && i-- > 0;) {
                r = command_line_add(&removal->parts, &parts->items[i]);
                if (r >= 0)
                        machine_script_remove(removal->owner->machine, &parts->items[i], removal->script);
        }
        return r;
}

int removals_add(Removals *r, const Option *device, const CommandLine *parts, const char *label)
{
        Removal *removal = device ? find(r, device->id) : NULL, **last = &r->first;

        if (removal) {
                if (removal->stage == STAGE_LATE)
                        removal->stage = STAGE_WAITS;
                return 0;
        }
        removal = calloc(1, sizeof(*removal));
        if (!removal)
                return log_out_of_memory();
        removal->owner = r;
        while (*last)
                last = &(*last)->next;
        *last = removal;
        removal->label = label ? strdup(label) : NULL;
        return (removal->label || !label) && fill(removal, device, parts) >= 0 ? 0 : log_out_of_memory();
}

/* It stays. */
static void keep(Removal *removal)
{
        for (size_t i = 0; i < removal->parts.count; i++)
                if (removal->parts.items[i].kind == QEMU_BLOCKDEV)
                        machine_keep_node(removal->owner->machine, removal->parts.items[i].id);
        unlink_removal(removal);
        removal_free(removal);
}

void removals_drop(Removals *r)
{
        for (Removal *removal = r->first, *next; removal; removal = next) {
                next = removal->next;
                if (removal->stage == STAGE_WAITS)
                        removal->stage = STAGE_LATE;
                else if (removal->stage == STAGE_ADDED)
                        keep(removal);
        }
}

/* ——— the end of one ——— */

static void check_done(Removals *r)
{
        RemovalsDone done = r->done;

        for (const Removal *removal = r->first; removal; removal = removal->next)
                if (removal->stage != STAGE_ADDED && removal->stage != STAGE_LATE)
                        return;
        r->done = NULL;
        r->timer = sd_event_source_disable_unref(r->timer);
        if (done)
                done(r->failed, r->userdata);
}

/* A TAP goes with its last descriptor, and systemd has one. A macvtap does not, and the helper removes it.
 */
static void give_up_descriptor(const char *name, void *userdata)
{
        Machine *m = userdata;

        if (!fd_name_is_of_one_start(name))
                (void) store_tell(name, -EBADF, NULL);
        if (fd_name_is_tap(name))
                (void) strings_add(&m->released, name);
}

static void remove_socket(const char *name, void *userdata)
{
        const Machine *m = userdata;
        _cleanup_(freep) char *path = m->directory ? text_format("%s/%s", m->directory, name) : NULL;

        if (path)
                (void) unlink(path);
}

static void forget_part(Machine *m, const Option *part)
{
        if (part->kind == QEMU_BLOCKDEV)
                machine_forget_node(m, part->id, true);
        else
                option_each_descriptor(
                        part, part->kind == QEMU_CHARDEV ? remove_socket : give_up_descriptor, m);
}

static void forget_device(Machine *m, const Option *device)
{
        option_each_descriptor(device, give_up_descriptor, m); /* a USB device of the host's */
        (void) machine_note_gone(m, device);
        strings_remove(&m->vcpus, device->id);
}

static void on_removed(const char *failed, void *userdata)
{
        Removal *removal = userdata;
        Removals *r = removal->owner;

        for (size_t i = 0; i < removal->parts.count; i++) {
                forget_part(r->machine, &removal->parts.items[i]);
                if (removal->label)
                        (void) machine_note_gone(r->machine, &removal->parts.items[i]);
        }
        if (removal->device.count > 0) {
                forget_device(r->machine, &removal->device.items[0]);
                log_entry(LOG_INFO, MESSAGE_ID_CHANGED, NULL, "Removed %s.", removal->label);
        }
        unlink_removal(removal);
        removal_free(removal);
        r->ended(r->ended_userdata);
        check_done(r);
}

static void remove_parts(Removal *removal)
{
        removal->stage = STAGE_CLEARING;
        if (script_run(removal->script, on_removed, removal) < 0)
                on_removed("", removal);
}

static void refuse(Removal *removal)
{
        Removals *r = removal->owner;

        r->failed = true;
        keep(removal);
        r->ended(r->ended_userdata);
        check_done(r);
}

void removals_event(Removals *r, const char *event, const json_t *data)
{
        Removal *removal = find(r, json_string_value(json_object_get(data, "device")));

        if (!removal || removal->stage == STAGE_CLEARING)
                return;
        if (streq(event, "DEVICE_DELETED"))
                remove_parts(removal);
        else if (streq(event, "DEVICE_UNPLUG_GUEST_ERROR")) {
                log_error("The guest refuses to let go of %s.", removal->label);
                refuse(removal);
        }
}

/* ——— the beginning ——— */

static void ask_next(Removals *r);

static void on_asked(const json_t *result, const char *error, void *userdata)
{
        Removal *removal = userdata;
        Removals *r = removal->owner;
        const char *class = result ? NULL : monitor_error_class(r->monitor);

        r->asking = false;
        if (result) {
                if (removal->stage == STAGE_WAITS)
                        removal->stage = STAGE_ASKED;
        } else if (class && streq(class, "DeviceNotFound"))
                remove_parts(removal); /* the guest has ejected it by itself */
        else if (strstr(error, "in the process of unplug"))
                removal->stage = STAGE_ASKED;
        else {
                log_error("QEMU failed to remove %s: %s", removal->label, error);
                refuse(removal);
        }
        ask_next(r);
}

/* One at a time, so that there are never more commands under way than QEMU's monitor takes. */
static void ask_next(Removals *r)
{
        Removal *removal = r->first;

        while (removal && removal->stage != STAGE_WAITS)
                removal = removal->next;
        if (!removal || r->asking)
                return;
        r->asking = true;
        if (monitor_execute(
                    r->monitor, "device_del", json_pack("{s:s}", "id", device_id(removal)), on_asked,
                    removal, MONITOR_PATIENCE) >= 0)
                return;
        r->asking = false;
        removal->stage = STAGE_LATE;
        r->failed = true;
}

static int on_time(sd_event_source *s, uint64_t usec, void *userdata)
{
        Removals *r = userdata;

        for (Removal *removal = r->first; removal; removal = removal->next) {
                if (removal->stage != STAGE_ASKED && removal->stage != STAGE_WAITS)
                        continue;
                removal->stage = STAGE_LATE;
                log_entry(
                        LOG_NOTICE, MESSAGE_ID_NEEDS_GUEST, NULL,
                        "The guest has not let go of %s yet; it is removed when the guest does.",
                        removal->label);
        }
        check_done(r);
        return 0;
}

int removals_start(Removals *r, RemovalsDone done, void *userdata)
{
        uint64_t patience = 0;
        int result;

        for (const Removal *removal = r->first; removal; removal = removal->next)
                if (removal->stage == STAGE_ADDED || removal->stage == STAGE_WAITS)
                        patience = UNPLUG_PATIENCE * MONITOR_SECOND;
        r->timer = sd_event_source_disable_unref(r->timer);
        /* the event loop may be late by the accuracy, and has a quarter of a second as its default */
        result = sd_event_add_time_relative(
                monitor_get_event(r->monitor), &r->timer, CLOCK_MONOTONIC, patience, patience / 20 + 1,
                on_time, r);
        if (result < 0)
                return result;
        r->failed = false;
        r->done = done;
        r->userdata = userdata;
        for (Removal *removal = r->first, *next; removal; removal = next) {
                next = removal->next;
                if (removal->stage != STAGE_ADDED)
                        continue;
                if (removal->device.count > 0)
                        removal->stage = STAGE_WAITS;
                else
                        remove_parts(removal);
        }
        ask_next(r);
        return 0;
}
