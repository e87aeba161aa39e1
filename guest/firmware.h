/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's firmware: a BIOS, or flash chips with an EFI and its variables. */

#include "guest/field.h"
#include "guest/plan.h"

typedef struct Guest Guest;

typedef struct Firmware {
        int nothing_yet;
} Firmware;

void firmware_read(Guest *g);
void firmware_complete(Guest *g);
void firmware_check(Guest *g);
void firmware_machine(const Guest *g, Props *machine);
void firmware_build(const Guest *g, Plan *p);
