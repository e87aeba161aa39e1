/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/text.h"

/* Where swtpm and the program that makes its state are; NULL where they are not installed. */
const char *swtpm_program(void);
const char *swtpm_setup_program(void);

/*
 * Runs swtpm_setup, argv[0], and waits for it; what it prints is logged if it fails. 0; -EIO if it failed;
 * another negative errno. Failures are logged.
 */
int swtpm_setup_run(const Strings *argv);
