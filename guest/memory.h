/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest/field.h"
#include "guest/plan.h"

typedef struct Guest Guest;

typedef struct Memory {
        int nothing_yet;
} Memory;

void memory_read(Guest *g);
void memory_complete(Guest *g);
void memory_check(Guest *g);
void memory_build(const Guest *g, Plan *p);
