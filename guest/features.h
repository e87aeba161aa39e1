/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest/field.h"
#include "guest/plan.h"

typedef struct Guest Guest;

typedef struct Features {
        int nothing_yet;
} Features;

void features_read(Guest *g);
void features_complete(Guest *g);
void features_check(Guest *g);
void features_build(const Guest *g, Plan *p);
