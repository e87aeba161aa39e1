/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <cputune> for single threads of QEMU: on which CPUs they run, and how they are scheduled. */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

#define SCHEDULES_MAX 256

typedef struct Pin {
        Number id;
        Set cpus;
        Place place;
} Pin;

/* One <vcpusched>, <iothreadsched> or <emulatorsched>. */
typedef struct Schedule {
        ThreadKind thread;
        Set ids;       /* of threads; unset for the emulator */
        int scheduler; /* Scheduler */
        Number priority;
        Place place;
} Schedule;

typedef struct Threads {
        Set emulator;
        const Set *vcpus; /* by number; NULL if no <vcpupin> is set */
        const Pin *iothreads;
        unsigned n_iothreads;
        const Schedule *schedules;
        unsigned n_schedules;
} Threads;

void threads_read(Guest *g, XmlElement *cputune);
void threads_check(const Guest *g);
void threads_build(const Guest *g, Plan *p);

/* All CPUs that any of the threads may run on; false if one of them may run anywhere. */
bool threads_cpus(const Guest *g, Set *ret);
