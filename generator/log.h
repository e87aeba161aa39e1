/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a generator may log: the kernel's log in the system scope, like systemd's own generators; otherwise
 * stderr. */

#include "util/findings.h"

void generator_log_open(bool user_scope);
void generator_log(const char *format, ...) _printf_(1, 2);

/* Logs one line about a guest that is not refused. */
void generator_log_warning(const Finding *warning);

/* Logs the first error of a guest and the number of others: the kernel's log accepts few lines from
 * programs. */
void generator_log_findings(const Findings *findings);
