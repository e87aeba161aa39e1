/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest/field.h"
#include "guest/plan.h"

typedef struct Guest Guest;

typedef struct Clock {
        int nothing_yet;
} Clock;

void clock_read(Guest *g);
void clock_complete(Guest *g);
void clock_check(Guest *g);
void clock_build(const Guest *g, Plan *p);
