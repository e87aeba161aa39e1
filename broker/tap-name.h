/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of users' TAPs: "vmUID-N". */

#include <net/if.h>
#include <stdbool.h>
#include <sys/types.h>

#define TAP_NUMBERS 100U /* N is below it; the longest name is just what the kernel takes */

void tap_name_format(char ret[static IFNAMSIZ], uid_t uid, unsigned number);

/* Whether it is one that tap_name_format() writes, and whose. */
bool tap_name_parse(const char *name, uid_t *ret_uid, unsigned *ret_number);
