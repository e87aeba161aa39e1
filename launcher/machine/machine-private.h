/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launcher/machine/machine.h"

/* Nodes, for the two files of the machine. */

/* The newest of that name, or of those that are leaving the oldest; NULL if there is none. */
Node *machine_find_node(const Machine *m, const char *name, bool leaving);

/* The machine has it then. NULL if out of memory. */
Node *machine_new_node(Machine *m, const char *name);
