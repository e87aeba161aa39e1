/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

typedef struct Guest Guest;

extern const char *const firmware_interface_words[], *const firmware_format_words[]; /* of firmware.c */

/*
 * Fills in what the guest's firmware leaves to the host's descriptors. False, with a finding, where <os
 * firmware='…'> asks for what none of them has; a loader that the XML names need not be among them.
 */
bool firmware_choose(Guest *g);
