/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What QEMU's command line requires of the host and what can be missing. */

#include "launcher/run/run-options.h"

/* Logs everything that is missing. 0, -ENOENT if something is, or -ENOMEM. */
int requirements_check(const RunOptions *o);
