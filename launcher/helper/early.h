/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the helper does before the guest's sandbox is set up. */

#include "launcher/prepare/prepare-request.h"

/*
 * Creates what the sandbox can only show if it exists, and says what it cannot show. unit is the guest's. 0,
 * or the exit status with which to refuse the guest; the reason is logged then.
 */
int early_prepare(const PrepareRequest *request, const char *unit);
