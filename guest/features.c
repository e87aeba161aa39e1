/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/features.h"

#include "guest/guest.h"

void features_read(Guest *g)
{
}

void features_complete(Guest *g)
{
}

void features_check(Guest *g)
{
}

void features_build(const Guest *g, Plan *p)
{
}
