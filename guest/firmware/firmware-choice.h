/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

typedef struct Guest Guest;

extern const char *const firmware_interface_words[], *const firmware_format_words[]; /* of firmware.c */

/*
 * Completes the guest's firmware from the host's descriptors. False, with a finding, if <os firmware='…'>
 * requests what none of them has; a loader that the XML names need not have a descriptor.
 */
bool firmware_choose(Guest *g);
