/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What must be the same when a guest is saved and when it is restored. Pure functions, but for stat(). */

#include <jansson.h>

#include "launcher/machine/option.h"
#include "launcher/run/run-options.h"
#include "launcher/store/images.h"

/* The options of a command line that the guest's state depends on, by name and id: a new object, or NULL if
 * out of memory. */
json_t *identity_of_machine(const RunOptions *options, const CommandLine *line);

/* The files of the disks in that command line, by the names of their descriptors: a new object, or NULL if
 * out of memory. */
json_t *identity_of_disks(const CommandLine *line, const Images *images);

/* The first member that is not the same in both, in words ("-device net0 is new"); NULL if there is none.
 * what: "is new" and "is gone". */
char *identity_difference(const json_t *saved, const json_t *now);

/* Whether the disks alone can tell that the guest has not run since: all that it can write are files. */
bool identity_tells(const CommandLine *line, const json_t *disks);
