/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

typedef struct Guest Guest;

/* Gives each device its boot_index, from <boot order='…'/> of the devices or from <os><boot dev='…'/>. */
void boot_order_assign(Guest *g);
