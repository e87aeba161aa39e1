/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/firmware.h"

#include "guest/guest.h"

void firmware_read(Guest *g)
{
}

void firmware_complete(Guest *g)
{
}

void firmware_check(Guest *g)
{
}

void firmware_machine(const Guest *g, Props *machine)
{
}

void firmware_build(const Guest *g, Plan *p)
{
}
