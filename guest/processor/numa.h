/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's NUMA nodes (<cpu><numa>), and on which of the host's nodes their memory lies (<numatune>). */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

#define NUMA_CELLS_MAX  128 /* QEMU's MAX_NODES */
#define NUMA_CACHES_MAX 3   /* levels, likewise */

typedef enum NumaMode {
        NUMA_STRICT = 1,
        NUMA_PREFERRED,
        NUMA_INTERLEAVE,
        NUMA_RESTRICTIVE,
} NumaMode;

typedef struct NumaCache {
        Number level, size, line;
        int associativity, policy; /* words of numa.c */
} NumaCache;

typedef struct NumaCell {
        Number id, memory;
        Set cpus;
        int access; /* MemoryAccess */
        Tristate discard;
        Place place;
        uint8_t distances[NUMA_CELLS_MAX]; /* 0: not said */
        NumaCache caches[NUMA_CACHES_MAX];
        unsigned n_caches;
        int initiator; /* the nearest node with CPUs, of <interconnects>; -1: not said */

        /* <numatune><memnode> */
        int mode; /* NumaMode, 0: as for all */
        Set host_nodes;
} NumaCell;

typedef struct NumaInterconnect {
        bool bandwidth; /* else latency */
        Number initiator, target, cache, value;
        int type; /* words of numa.c */
} NumaInterconnect;

typedef struct Numa {
        NumaCell *cells; /* by id */
        unsigned n_cells;
        bool distances; /* somebody said one */
        NumaInterconnect *interconnects;
        unsigned n_interconnects;
        XmlElement *xml;

        /* <numatune><memory> */
        int mode; /* NumaMode */
        Set host_nodes;
        int placement; /* 1: static, 2: auto */
        Place tune_place;
} Numa;

/* The host's nodes for the memory of the guest's node (-1: all memory), or NULL; *ret_mode is a NumaMode. */
const Set *numa_host_nodes(const Guest *g, int node, int *ret_mode);
const char *numa_policy(int mode); /* QEMU's word for it; NULL for NUMA_RESTRICTIVE */

bool numa_has_hmat(const Guest *g);

void numa_read(Guest *g, XmlElement *cpu); /* cpu may be NULL */
void numa_complete(Guest *g);
void numa_check(const Guest *g);
void numa_machine(const Guest *g, Props *machine);
