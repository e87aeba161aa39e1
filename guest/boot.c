/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/boot.h"

#include "guest/guest.h"

void boot_order_assign(Guest *g)
{
}
