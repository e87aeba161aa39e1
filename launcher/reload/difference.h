/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What has to be done to a QEMU that runs so that it becomes the one of another command line. A pure
 * function. */

#include "launcher/machine/option.h"

typedef enum ChangeKind {
        CHANGE_NONE,    /* of an option that is in both, or is dealt with by another's change */
        CHANGE_ADD,     /* new */
        CHANGE_REMOVE,  /* old */
        CHANGE_MEDIUM,  /* of the drive new, an option in both; the nodes of both are dealt with by this */
        CHANGE_LIMITS,  /* of throttling: new is the object */
        CHANGE_FILTER,  /* of a disk, which has limits now, or none any more: new is the device */
        CHANGE_SIZE,    /* the memory that a virtio-mem device is to have */
        CHANGE_BOOT,    /* a device's place in the boot order */
        CHANGE_VCPUS,   /* new is -smp */
        CHANGE_LAYERS,  /* of the images of the disk new; the nodes of both are dealt with by this, and
                           layers.c says whether it can be done */
        CHANGE_RESTART, /* nothing, while QEMU runs; `why` says more */
} ChangeKind;

typedef struct Change {
        ChangeKind kind;
        const Option *was, *is; /* one of them is NULL for what is new, or gone */
        const char *why;        /* of CHANGE_RESTART: a reason, or NULL; a constant */
} Change;

typedef struct Difference {
        Change *items; /* first what is in the new command line, in its order, then what is gone */
        size_t count;
} Difference;

/* What the host allows; all of it is true for the pure function's tests. */
typedef struct DifferenceHost {
        bool network; /* QEMU has more than an empty network of its own */
        bool peers;   /* QEMU may connect to other programs and hosts */
        bool passt;   /* the host has passt */
} DifferenceHost;

/* options are those of `is`, and say which nodes get their images as descriptors. 0 or -ENOMEM. */
int difference_of(
        const CommandLine *was, const CommandLine *is, const RunOptions *options, const DifferenceHost *host,
        Difference *ret);
void difference_done(Difference *difference);

/* The change of the option of that name and id in either command line, or NULL. */
const Change *difference_find(const Difference *difference, const char *name, const char *id);

/* The node of an image, below the filters on top of which is that node; NULL if there is none. */
const Option *difference_image_below(const CommandLine *line, const char *node);

/* The same for a disk; NULL if it has none. */
const Option *difference_top_image(const CommandLine *line, const Option *device);

/* A change of layers that needs a restart after all; why is a constant. */
void difference_refuse_layers(
        const CommandLine *was, const CommandLine *is, Difference *d, Change *change, const char *why);

/* Whether the device is a drive whose medium can be changed. */
bool option_is_drive(const Option *device);
