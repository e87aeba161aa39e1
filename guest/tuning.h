/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest/field.h"
#include "guest/plan.h"

typedef struct Guest Guest;

typedef struct Tuning {
        int nothing_yet;
} Tuning;

void tuning_read(Guest *g);
void tuning_complete(Guest *g);
void tuning_check(Guest *g);
void tuning_build(const Guest *g, Plan *p);
