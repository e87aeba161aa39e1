/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* QEMU's commands that no client of its monitor may give, since they decide what becomes of the guest. */

#include <jansson.h>

/* What to do instead, for a message; NULL if the command may be given. */
const char *command_kept(const char *command, const json_t *arguments);
