/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* A name of a network interface that the kernel takes as it is and that needs no escaping. */
bool interface_name_is_valid(const char *name);
