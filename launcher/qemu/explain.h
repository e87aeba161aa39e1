/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What it means for the guest that QEMU ended before the guest ran, and what to do about it. */

#include "launcher/run/run-options.h"

/*
 * said: the lines that QEMU printed. Returns a message to be freed and the exit status that goes with it, or
 * NULL if nothing better can be said than QEMU did.
 */
char *explain_failure(const RunOptions *o, const char *said, int *ret_exit);

/* Why the guest's user cannot use /dev/kvm: the errno, negative, with which it failed to open. */
char *explain_kvm(int error);

/* How the user of this unit adds to it: "systemctl edit vm@web-1.service"; to be freed. */
char *explain_edit(const RunOptions *o);
