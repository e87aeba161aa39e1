/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Disks that get an overlay, lose an image in the middle of their chain, go back to an image behind, or move
 * to another: external snapshots, what takes them away again, and copies that take the place of a disk.
 */

#include "launcher/machine/machine.h"
#include "launcher/reload/difference.h"

typedef enum LayerKind {
        LAYER_ADDED,  /* the disk's image gets another one over it */
        LAYER_BELOW,  /* images behind it are not part of the chain any more */
        LAYER_RETURN, /* it is an image behind now, into which a job has written what lay over it */
        LAYER_MOVED,  /* it is another image, to which a job has copied it */
} LayerKind;

typedef struct LayerChange {
        Change *change;
        LayerKind kind;
        const Option *was, *is; /* the top image's node */
        Layers layers;          /* those that QEMU has */
        Layers gone;            /* of these, what is to be removed */
        bool begun;             /* the machine knows the new nodes */
        FileId file;            /* of the image of LAYER_MOVED, and the fd set by which QEMU has it */
        unsigned set;
} LayerChange;

typedef struct LayerChanges {
        LayerChange *items;
        size_t count;
} LayerChanges;

typedef struct LayerContext {
        Machine *machine;
        const MachineParts *parts; /* with the descriptors of all images of the new chains */
        Difference *difference;
} LayerContext;

/* Compares files, and turns changes that cannot be carried out into such that need a restart. 0 or -ENOMEM.
 */
int layers_find(const LayerContext *c, LayerChanges *ret);
void layer_changes_done(LayerChanges *changes);

/* Whether there is one that requires a job which has to be ready. */
bool layers_need_jobs(const LayerChanges *changes);

/* jobs, sets: QEMU's answers to query-jobs and query-fdsets. Changes whose job is not ready need a restart.
 */
void layers_check_jobs(const LayerContext *c, LayerChanges *changes, const json_t *jobs, const json_t *sets);

/* Adds to the script what carries them out; after all else, since it cannot be undone. 0 or as
 * machine_script_add(). */
int layers_script(const LayerContext *c, LayerChanges *changes, Script *script);

/* The machine has the new chains; before changes_settle(). 0 or -ENOMEM. */
int layers_settle(const LayerContext *c, const LayerChanges *changes);

/* After a failure: the machine has the old ones. */
void layers_forget(const LayerContext *c, const LayerChanges *changes);
