/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* -machine and -accel: one option each, to which many parts of the guest have something to add. */

#include "guest/plan/plan.h"

typedef struct Guest Guest;

void machine_build(const Guest *g, Plan *p);
