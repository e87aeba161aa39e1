/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of a reload share: reload.c has the conversation with the helper, reload-change.c that with
 * QEMU, and reload-end.c the end. */

#include "launcher/reload/changes.h"
#include "launcher/reload/layers.h"
#include "launcher/reload/reload.h"

typedef enum ReloadPhase {
        RELOAD_IDLE,
        RELOAD_ASKING,   /* the helper for the definition */
        RELOAD_OPENING,  /* the helper, for descriptors */
        RELOAD_CHANGING, /* QEMU */
} ReloadPhase;

typedef struct ReloadWaiter {
        unsigned reload; /* the number of the one that it waits for */
        ReloadDone done;
        void *userdata;
        struct ReloadWaiter *next;
} ReloadWaiter;

struct Reload {
        ReloadContext context;
        Machine machine;
        Removals *removals;
        ReloadPhase phase;
        bool again;
        DifferenceHost host; /* asked at the start: later the launcher may not */
        PendingChange *pending;
        size_t n_pending;
        bool tells;            /* systemd that it reloads: in users' units, which have no ExecReload= */
        sd_event_source *late; /* a connection to the helper, which is told of a device that went late */
        ReloadWaiter *waiters;
        unsigned begun; /* reloads */

        /* of the reload that is under way */
        int helper;
        sd_event_source *answers;
        Strings arguments; /* of the new definition, with the launcher's own */
        RunOptions options;
        CommandLine line;
        Difference difference;
        LayerChanges layers;
        Fds fds;
        Script *script;
        json_t *vacant; /* virtual processors */
        json_t *jobs;   /* of QEMU's, for layers */
};

/* The changes of the reload that is under way; parts must live as long as they. */
Changes reload_changes(Reload *r, MachineParts *parts);

/* Logs what waits for a restart. */
void reload_tell_pending(Reload *r);

void reload_drop_pending(Reload *r);

/* The same, for what changes images of disks. */
LayerContext reload_layers(Reload *r, MachineParts *parts);

/* Changes QEMU, once all descriptors are there; reload_finish() or reload_abandon() follows. */
void reload_change(Reload *r);

/* Ends the reload, and tells whoever waits. */
void reload_finish(Reload *r, int exit_status);

/* The same after a failure, before which nothing of QEMU was changed, or all of it was undone. */
void reload_abandon(Reload *r);
void reload_abandon_with(Reload *r, int exit_status);

/* Releases what is only for one reload. */
void reload_reset(Reload *r);

/* Whether the launcher makes the socket of that name itself. */
bool reload_makes_socket(const Reload *r, const char *name);

/* The removal of a device has ended; userdata: the reload. During a reload, that needs the command line as
 * it was. */
void reload_removal_ended(void *userdata);
