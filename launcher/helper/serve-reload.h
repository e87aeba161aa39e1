/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launcher/helper/helper.h"

/* Serves the launcher of a guest that runs, after HELPER_RELOAD. Returns the exit status for the verb
 * `reload`. */
int helper_serve_reload(const ServeOptions *service, PrepareRequest *request, const char *unit, int caller);
