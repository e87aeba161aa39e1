/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's NUMA nodes (<cpu><numa>), and which of the host's nodes hold their memory (<numatune>). */

#include "guest/part.h"
#include "guest/plan/plan.h"
#include "guest/xml/field.h"

#define NUMA_CELLS_MAX  128 /* QEMU's MAX_NODES */
#define NUMA_CACHES_MAX 3   /* levels of caches that QEMU knows */

#define NUMA_DISTANCE_LOCAL 10 /* as in ACPI's SLIT */

typedef enum NumaMode {
        NUMA_STRICT = 1,
        NUMA_PREFERRED,
        NUMA_INTERLEAVE,
        NUMA_RESTRICTIVE,
} NumaMode;

typedef enum NumaPlacement {
        NUMA_PLACEMENT_STATIC = 1,
        NUMA_PLACEMENT_AUTO,
} NumaPlacement;

typedef struct NumaCache {
        Number level, size, line;
        int associativity, policy; /* index of numa.c's words, from 1 */
} NumaCache;

typedef struct NumaCell {
        Number id, memory;
        Set cpus;
        int access; /* MemoryAccess */
        Tristate discard;
        Place place;
        uint8_t distances[NUMA_CELLS_MAX]; /* 0: not set */
        NumaCache caches[NUMA_CACHES_MAX];
        unsigned n_caches;
        int initiator; /* the nearest node with CPUs, of <interconnects>; -1: not known yet */

        /* <numatune><memnode> */
        int mode; /* NumaMode; 0: that of the guest */
        Set host_nodes;
} NumaCell;

typedef struct NumaInterconnect {
        bool bandwidth; /* else latency */
        Number initiator, target, cache, value;
        int type; /* index of numa.c's words, from 1 */
} NumaInterconnect;

typedef struct Numa {
        const NumaCell *cells; /* by id; see numa_own_cells() */
        unsigned n_cells;
        bool distances; /* the XML sets at least one */
        const NumaInterconnect *interconnects;
        unsigned n_interconnects;
        XmlElement *xml;

        /* <numatune><memory> */
        int mode; /* NumaMode */
        Set host_nodes;
        int placement; /* NumaPlacement */
        Place tune_place;
} Numa;

/* The cells, to write to; takes a guest that is not const, like guest_own(). */
static inline NumaCell *numa_own_cells(Guest *g)
{
        return (NumaCell *) g->numa->cells;
}

extern const char *const numa_latency_words[];

/* The host's nodes for the memory of the guest's node (-1: all memory), or NULL; *ret_mode is a NumaMode. */
const Set *numa_host_nodes(const Guest *g, int node, int *ret_mode);
const char *numa_policy(int mode); /* QEMU's word for it; NULL for NUMA_RESTRICTIVE */

bool numa_has_hmat(const Guest *g);

void numa_read(Guest *g, XmlElement *cpu); /* cpu may be NULL */
void numa_complete(Guest *g);
void numa_check(const Guest *g);
void numa_machine(const Guest *g, Props *machine);

/* numatune.c */
void numatune_read(Guest *g, XmlElement *xml);
void numatune_check(const Guest *g);
