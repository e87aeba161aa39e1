/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Whether the kernel accepts the name of a network interface unchanged, and no escaping is needed. */
bool interface_name_is_valid(const char *name);
