/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Devices on their way out. A guest lets a device go when it likes, so what is behind the device is removed
 * when QEMU says that it is gone, maybe long after the reload. Until then the machine's command line has it.
 */

#include "launcher/machine/machine.h"

typedef struct Removals Removals;

/*
 * None is left that the last removals_start() asked for, or they were given time enough. failed: QEMU or the
 * guest refused one, which was logged; it stays. The last call.
 */
typedef void (*RemovalsDone)(bool failed, void *userdata);

/* Called whenever a removal has ended, successfully or not. */
typedef void (*RemovalsEnded)(void *userdata);

/* Borrows all. */
int removals_new(Monitor *monitor, Machine *machine, RemovalsEnded ended, void *userdata, Removals **ret);
Removals *removals_free(Removals *r); /* returns NULL */

/*
 * A removal of the device (NULL: of parts alone), and of the parts behind it, in the order of the command
 * line; all are copied. A device that is on its way out already is asked for again. label is for messages;
 * NULL for parts that have left the command line already. 0 or -ENOMEM.
 */
int removals_add(Removals *r, const Option *device, const CommandLine *parts, const char *label);

/* Begins those that were added. done is called later, once; 0 or negative errno, and then it is not called.
 */
int removals_start(Removals *r, RemovalsDone done, void *userdata);

/* Drops those that were added and not begun: what they were to remove stays. */
void removals_drop(Removals *r);

/* Whether a device of that id is on its way out. */
bool removals_have(const Removals *r, const char *id);

/* Whether any has not ended yet. */
bool removals_are_left(const Removals *r);

/* QEMU said that a device is gone, or that the guest refuses to let it go. */
void removals_event(Removals *r, const char *event, const json_t *data);

DEFINE_CLEANUP(Removals, removals_free);
