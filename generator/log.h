/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a generator may log: the kernel's log in the system scope, as systemd's own do, and stderr
 * elsewhere. */

#include "util/findings.h"

void generator_log_open(bool user_scope);
void generator_log(const char *format, ...) _printf_(1, 2);

/* The first error of a guest and how many more there are: the kernel's log takes few lines from programs. */
void generator_log_findings(const Findings *findings);
