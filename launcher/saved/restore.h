/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starts a guest where it was saved. */

#include <systemd/sd-event.h>

#include "launcher/lifecycle/lifecycle.h"
#include "launcher/monitor/monitor.h"
#include "launcher/run/run-options.h"
#include "launcher/store/images.h"
#include "util/ownership.h"

typedef struct Restore Restore;

/*
 * Looks for a saved guest in the state directory (a descriptor; negative if the guest has none), and whether
 * it can be restored with that command line and these disks. 0, and *ret is NULL if none is to be restored;
 * or the exit status of a start that was refused (logged), with the file kept.
 */
int restore_find(int directory, const RunOptions *options, const Images *images, Restore **ret);
Restore *restore_free(Restore *r); /* returns NULL; to be freed before the monitor */

/* Completes QEMU's command line: it waits for the guest, and has the processors that the guest had. 0 or the
 * exit status of a start that was refused (logged). */
int restore_complete(const Restore *r, Strings *argv);

/* QEMU was started so, and is set up: restores the guest, and then has the lifecycle go
 * on or refuse it. */
void restore_begin(Restore *r, sd_event *event, Monitor *monitor, Lifecycle *life);

void restore_monitor_closed(Restore *r);

/* QEMU ended before the guest was restored: what to say beside its last words; a new string or NULL. */
char *restore_explain(const Restore *r, const char *said);

DEFINE_CLEANUP(Restore, restore_free);
