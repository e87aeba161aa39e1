/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The variables of a guest's firmware, as they were when an external snapshot was made. */

#include "cli/define/copy.h"
#include "cli/snapshot/snapshot.h"

/* Keeps a copy beside the file of the snapshot of that name. Nothing for a guest that has none in a file.
 * Prints its own error messages; 0 or the exit status. */
int nvram_keep(ChangeCall *c, const char *directory, const char *name);

/* Makes a copy of that beside what a guest that is off has; nothing if none was kept. As above. */
int nvram_prepare(ChangeCall *c, const char *directory, const char *name, FileCopy *ret);

/* Puts the copy in the place of what the guest has. As above. */
int nvram_restore(const ChangeCall *c, FileCopy *copy);
