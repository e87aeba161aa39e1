/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What boots and in which machine: <os>, firmware, NVRAM, direct kernel boot. */

#include "guest/field.h"
#include "guest/plan.h"

typedef struct Guest Guest;

typedef enum Arch {
        ARCH_X86_64 = 1,
        ARCH_I686,
        ARCH_AARCH64,
} Arch;

/* Families of machine types that differ in their buses; the type itself is Os.machine. */
typedef enum MachineFamily {
        MACHINE_I440FX = 1,
        MACHINE_Q35,
        MACHINE_ISAPC,
        MACHINE_MICROVM,
        MACHINE_VIRT,
} MachineFamily;

typedef struct Os {
        int arch;            /* Arch */
        const char *machine; /* as it goes to -machine */
        int family;          /* MachineFamily */
} Os;

void os_read(Guest *g);
void os_complete(Guest *g);
void os_check(Guest *g);
void os_build(const Guest *g, Plan *p);
