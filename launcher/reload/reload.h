/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * `systemctl reload` of a guest: QEMU becomes what the guest's unit says now, as far as that is possible
 * while it runs.
 */

#include <systemd/sd-event.h>

#include "launcher/lifecycle/lifecycle.h"
#include "launcher/machine/machine.h"
#include "launcher/monitor/monitor.h"
#include "launcher/run/run-options.h"
#include "launcher/store/images.h"

typedef struct Reload Reload;

typedef struct ReloadContext {
        sd_event *event;
        RunOptions *options;   /* whose names of disks, links and balloon are kept up to date */
        char *const *argv;     /* QEMU's, as it was started */
        const char *directory; /* the guest's runtime directory */
        Monitor *monitor;
        Lifecycle *life;
        Images *images; /* of its disks; kept up to date */
} ReloadContext;

/* Borrows all of the context. Failures are logged. */
int reload_new(const ReloadContext *context, Reload **ret);
Reload *reload_free(Reload *r); /* returns NULL; must be freed before the monitor */

/* Asks the guest's helper for the unit's present definition, and carries it out. If one reload is under way,
 * the next follows it. */
void reload_begin(Reload *r);

/* To be called with each of QEMU's events. */
void reload_event(Reload *r, const char *event, const json_t *data);

/* What waits for a restart of the guest. */
typedef struct PendingChange {
        char *device; /* its id in QEMU, or NULL */
        char *text;
} PendingChange;

/* Borrowed until the next reload; nothing for NULL. */
const PendingChange *reload_pending(const Reload *r, size_t *ret_count);

/* Whether a reload, or the removal of a device, is not finished. */
bool reload_is_under_way(const Reload *r);

/* What QEMU consists of now, borrowed until the next reload; NULL if its command line cannot be read. */
const CommandLine *reload_line(Reload *r);

/* Whether it has virtual processors that it did not start with. */
bool reload_has_added_vcpus(const Reload *r);

/* The images that QEMU has for the disk with that node in its command line, and the id of its device, which
 * is borrowed. 0, -ENOENT, -ENOMEM. */
int reload_disk_layers(Reload *r, const char *node, Layers *ret, const char **ret_device);

/* How many reloads have been finished, and the exit status of the last. */
unsigned reload_count(const Reload *r, int *ret_last_status);

DEFINE_CLEANUP(Reload, reload_free);
