/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/clock.h"

#include "guest/guest.h"

void clock_read(Guest *g)
{
}

void clock_complete(Guest *g)
{
}

void clock_check(Guest *g)
{
}

void clock_build(const Guest *g, Plan *p)
{
}
