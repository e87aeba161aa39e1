/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/tuning.h"

#include "guest/guest.h"

void tuning_read(Guest *g)
{
}

void tuning_complete(Guest *g)
{
}

void tuning_check(Guest *g)
{
}

void tuning_build(const Guest *g, Plan *p)
{
}
