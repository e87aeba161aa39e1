/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The variables of a guest's firmware, made from their template before the guest's first start. */

#include "launcher/grant/grant.h"

/*
 * Where there is nothing at path yet, makes it: a copy of the template, the guest's user's own, mode 0600,
 * whole or not at all. Missing directories are made where they are to lie in root's. Failures are logged.
 */
int nvram_make(const Granting *granting, const char *template, const char *path);
