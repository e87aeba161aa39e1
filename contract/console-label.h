/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Labels of consoles. One is the name of a socket in the guest's directory and an identifier in the journal.
 */

#include <stdbool.h>

/* [A-Za-z0-9_.-]{1,64}, not beginning with a dot, and no name that the launcher uses itself. */
bool console_label_is_valid(const char *label);
