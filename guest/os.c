/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/os.h"

#include "guest/guest.h"

void os_read(Guest *g)
{
}

void os_complete(Guest *g)
{
}

void os_check(Guest *g)
{
}

void os_build(const Guest *g, Plan *p)
{
}
