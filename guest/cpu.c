/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/cpu.h"

#include "guest/guest.h"

void cpu_read(Guest *g)
{
}

void cpu_complete(Guest *g)
{
}

void cpu_check(Guest *g)
{
}

void cpu_build(const Guest *g, Plan *p)
{
}
