/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's CPUs: how many, in what topology (vcpu.c), and of what model (cpu.c). */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

#define CPU_FEATURES_MAX 256

typedef enum CpuMode {
        CPU_CUSTOM = 1,
        CPU_HOST_MODEL,
        CPU_HOST_PASSTHROUGH,
        CPU_MAXIMUM,
} CpuMode;

typedef enum CpuPlacement {
        CPU_PLACEMENT_STATIC = 1,
        CPU_PLACEMENT_AUTO,
} CpuPlacement;

typedef struct CpuFeature {
        const char *name; /* QEMU's */
        bool on;
} CpuFeature;

typedef struct Cpu {
        XmlElement *xml; /* <cpu> or NULL */
        Place place;     /* of <cpu> or else <vcpu> */

        /* <vcpu> and <vcpus> */
        Number max, current;
        Set host_cpus;       /* <vcpu cpuset='…'> */
        int placement;       /* CpuPlacement */
        Set online, plugged; /* running at start; those of them that can be unplugged */

        Number sockets, dies, clusters, cores, threads; /* set all or none */

        int mode; /* CpuMode */
        const char *model, *fallback, *vendor_id, *vendor;
        int match, check;
        Tristate migratable;
        int cache_mode;
        Number cache_level;
        int phys_mode;
        Number phys_bits, phys_limit;
        CpuFeature *features;
        unsigned n_features;
} Cpu;

/* QEMU's name of the model: "qemu64", "host". */
const char *cpu_model(const Guest *g);

void vcpu_read(Guest *g);
void vcpu_complete(Guest *g);
void vcpu_check(const Guest *g);
