/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much of the host's CPUs, memory and disks the guest may use: <cputune>, <memtune>, <blkiotune>,
 * <resource>. */

#include "guest/plan/plan.h"
#include "guest/processor/threads.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

#define TUNING_DEVICES_MAX 64
#define TUNING_SLICE_MAX   255 /* of a unit's name */

typedef struct Bandwidth {
        Number period;     /* µs */
        const char *quota; /* µs, or negative for none */
} Bandwidth;

typedef struct TuningDevice {
        const char *path;
        Number weight, read_bytes, write_bytes, read_operations, write_operations;
} TuningDevice;

typedef struct Tuning {
        Number shares;
        Bandwidth vcpu, global, emulator_bandwidth, iothread_bandwidth;
        Threads threads;
        Place cpu_place;

        Number hard_limit, soft_limit, swap_hard_limit; /* bytes */

        Number io_weight;
        const TuningDevice *devices;
        unsigned n_devices;

        const char *partition;
} Tuning;
