/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a difference to the commands that carry it out. */

#include "launcher/reload/difference.h"
#include "launcher/reload/removal.h"

typedef struct Changes {
        Machine *machine;
        const MachineParts *parts;
        const Difference *difference;
        const DiskNames *disks; /* before the change, for messages */
        const json_t *vcpus;    /* QEMU's answer to query-hotpluggable-cpus; NULL if that was not needed */
        unsigned n_vcpus;       /* that the guest has */
} Changes;

/* Adds to the script what adds, and what changes. 0, or as machine_script_add(). */
int changes_script(const Changes *c, Script *script);

/* Adds what goes. 0 or -ENOMEM. */
int changes_removals(const Changes *c, Removals *removals);

/* Adds what was in drives whose medium changes. To be called before changes_script(), and begun after it. */
int changes_media_removals(const Changes *c, Removals *removals);

/* After a failure of the script: devices that it has added are removed as others are, since the guest has
 * seen them. 0 or -ENOMEM. */
int changes_withdraw(const Changes *c, Script *script, Removals *removals);

/* Whether something new needs the place of something old. */
bool changes_need_room(const Difference *difference);

/* After a failure: the machine has no new nodes. */
void changes_forget(const Changes *c);

/* The machine's command line after the changes: the new one, but for what needs a restart. 0 or -ENOMEM. */
int changes_settle(const Changes *c);

/* What people call it: "disk vdb", "network card net1"; a new string or NULL. */
char *changes_label(const Option *option, const DiskNames *disks);

/* Calls visit for each descriptor that has to be passed; it may be called twice for one. */
void changes_each_descriptor(
        const Difference *difference, const CommandLine *is, const RunOptions *options,
        void (*visit)(const char *name, void *userdata), void *userdata);
