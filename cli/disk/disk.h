/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* vmctl's verbs for the images of disks. */

#include "cli/cli.h"

int verb_snapshot(const Call *call);
