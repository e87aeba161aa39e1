/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What people call the guest's disks, for messages: QEMU's events name its own nodes. */

#include <stddef.h>

typedef struct DiskName {
        char *node;         /* QEMU's name of the node, or of the drive; owns the text of the others */
        const char *target; /* as in the guest's XML: "vdb" */
        const char *path;   /* of the image, or NULL */
        char *actual;       /* another name that QEMU has for the node meanwhile, or NULL */
} DiskName;

typedef struct DiskNames {
        DiskName *items;
        size_t count;
} DiskNames;

/* Reader of --disk=NODE:TARGET[:PATH], for contract/arguments.h; target is a (DiskNames). */
int disk_names_read(const char *text, void *target);
void disk_names_done(DiskNames *names);

/* QEMU's name of the node now, which is copied; out of memory, the old one stays. */
void disk_name_set_actual(DiskName *name, const char *actual);

/* NULL if no disk has that node, under either name; names and node may be NULL. */
const DiskName *disk_names_find(const DiskNames *names, const char *node);
