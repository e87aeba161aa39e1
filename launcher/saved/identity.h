/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What must be the same when a guest is saved and when it is restored. Pure functions, but for stat(). */

#include <jansson.h>
#include <stdbool.h>

#include "launcher/machine/option.h"
#include "launcher/store/images.h"

/* The options of a command line that the guest's state depends on, by name and id: a new object, or NULL if
 * out of memory. */
json_t *identity_of_machine(const CommandLine *line, const Images *images);

/* The files of the disks in that command line, by the names of their descriptors: a new object, or NULL if
 * out of memory. */
json_t *identity_of_disks(const CommandLine *line, const Images *images);

/* Whether any member is not the same in both. *ret is the first such one in words ("-device net0 is new"), a
 * new string; NULL if out of memory. */
bool identity_differs(const json_t *saved, const json_t *now, char **ret);

/* Whether the disks alone can tell that the guest has not run since: all that it can write are files. */
bool identity_tells(const CommandLine *line, const json_t *disks);
