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
#include "launcher/run/passt.h"
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
        Passts *passts; /* that started with it */
} ReloadContext;

/* Borrows all of the context. Failures are logged. */
int reload_new(const ReloadContext *context, Reload **ret);
Reload *reload_free(Reload *r); /* returns NULL; must be freed before the monitor */

/* Asks the guest's helper for the unit's present definition, and carries it out. If one reload is under way,
 * the next follows it. */
void reload_begin(Reload *r);

/* exit_status: 0, or why the guest was not changed, or not wholly, which was logged. */
typedef void (*ReloadDone)(int exit_status, void *userdata);

/* The same, and calls done once at the end of that reload, maybe before this returns. 0, -ENOMEM, or
 * -EOPNOTSUPP if the guest has no helper: then it is not called. */
int reload_request(Reload *r, ReloadDone done, void *userdata);

/* Those with that userdata are not called any more. */
void reload_forget(Reload *r, const void *userdata);

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

/* How many virtual processors it has that QEMU did not begin with, and with how many it began; after
 * reload_line(). */
size_t reload_added_vcpus(const Reload *r, unsigned *ret_boot);

/* The images that QEMU has for the disk with that node in its command line, and the id of its device, which
 * is borrowed. 0, -ENOENT, -ENOMEM. */
int reload_disk_layers(Reload *r, const char *node, Layers *ret, const char **ret_device);

DEFINE_CLEANUP(Reload, reload_free);
