/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/place.h"

#include "guest/guest.h"

void place_devices(Guest *g)
{
}
