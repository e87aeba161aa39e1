/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What people call the guest's disks, for messages: QEMU's events name its own nodes. */

#include <stddef.h>

typedef struct DiskName {
        char *node;         /* QEMU's name of the node, or of the drive; owns the text of the others */
        const char *target; /* as in the guest's XML: "vdb" */
        const char *path;   /* of the image, or NULL */
} DiskName;

typedef struct DiskNames {
        DiskName *items;
        size_t count;
} DiskNames;

/* Reader of --disk=NODE:TARGET[:PATH], for contract/arguments.h; target is a (DiskNames). */
int disk_names_read(const char *text, void *target);
void disk_names_done(DiskNames *names);

/* NULL if no disk has that node; names and node may be NULL. */
const DiskName *disk_names_find(const DiskNames *names, const char *node);
