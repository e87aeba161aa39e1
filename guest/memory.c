/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/memory.h"

#include "guest/guest.h"

void memory_read(Guest *g)
{
}

void memory_complete(Guest *g)
{
}

void memory_check(Guest *g)
{
}

void memory_build(const Guest *g, Plan *p)
{
}
