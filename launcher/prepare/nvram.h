/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The file with the variables of a guest's firmware, created from a template before the guest's first start.
 * Open this to change where and how it is created.
 */

#include "launcher/grant/grant.h"

/*
 * If path does not exist, creates it: a complete copy of the template, owned by the guest's user, mode 0600.
 * Missing directories are created if they belong below root's. Failures are logged.
 */
int nvram_make(const Granting *granting, const char *template, const char *path);
