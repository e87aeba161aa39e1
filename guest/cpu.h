/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest/field.h"
#include "guest/plan.h"

typedef struct Guest Guest;

typedef struct Cpu {
        int nothing_yet;
} Cpu;

void cpu_read(Guest *g);
void cpu_complete(Guest *g);
void cpu_check(Guest *g);
void cpu_build(const Guest *g, Plan *p);
