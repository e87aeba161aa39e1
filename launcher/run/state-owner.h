/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which guest the state in a state directory belongs to. */

/*
 * Claims the directory for the guest with that UUID. State without an owner is adopted. shown is what
 * messages call the directory. 0; EXIT_CONFIG if it is another guest's; negative errno. Failures are logged.
 */
int state_claim(const char *directory, const char *shown, const char *uuid);
