/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The disks of a running guest, as QEMU's answers describe them. */

#include <jansson.h>

#include "util/text.h"

#define DISKS_MAX 256U

/* Strings are borrowed from what was read. */
typedef struct DiskNode {
        const char *target; /* "vda" */
        const char *
                node; /* of its image: without filters such as limits above it, and above its backing file */
        const char *format;    /* the image's format */
        const json_t *bitmaps; /* an array, or NULL */
        uint64_t size;         /* bytes that the guest sees */
        uint64_t allocated;    /* bytes on the host, with what is behind it; 0 if unknown */
        bool writable;
} DiskNode;

typedef struct DiskNodes {
        DiskNode *items;
        size_t count;
        json_t *query, *graph; /* kept for the strings */
} DiskNodes;

/*
 * query: the reply of org.vmunit.Guest.Query with query-block and query-named-block-nodes; graph: that of
 * x-debug-query-block-graph, or NULL. Both are taken. Drives without a medium are left out. 0 or -ENOMEM.
 */
int disk_nodes_read(DiskNodes *nodes, json_t *query, json_t *graph);
void disk_nodes_done(DiskNodes *nodes);

const DiskNode *disk_nodes_find(const DiskNodes *nodes, const char *target);

/* The dirty bitmap of that name, or NULL. */
const json_t *disk_bitmap(const DiskNode *d, const char *name);
