/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of a guest's drop-in that says which files of the host are in its root directory. */

#include <stdbool.h>

#include "generator/convert/convert.h"
#include "generator/unit/unit-file.h"
#include "guest/plan/plan.h"

/* In [Unit]: a guest whose disks are on a server or in a storage pool starts after these are mounted. 0,
 * -ENOMEM. */
int mounts_write_dependencies(UnitFile *u, const Plan *p);

/* In [Service]: forbids to execute what is written in the guest's run-time and state directories. */
void mounts_write_directories(UnitFile *u, const Conversion *c);

/* In [Service]: shows the guest's files and devices. */
void mounts_write_grants(UnitFile *u, const Plan *p, const Settings *settings);

/* Writes one of the plan's directives if it is a bind mount. False, and nothing is written, if it is not. */
bool mounts_write_directive(UnitFile *u, const Directive *d);
