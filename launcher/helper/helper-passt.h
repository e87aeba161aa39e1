/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* passt for network cards that a guest gets while it runs. */

#include "contract/line/passt-request.h"
#include "launcher/errand/guest-user.h"

/* The requests in the command line of a guest's unit, up to QEMU's own. 0, -EINVAL, -ENOMEM. */
int helper_passt_read(const Strings *command, PasstList *ret);

/*
 * Starts one in a unit of its own, which stops with the guest's; *ret is QEMU's end of the socket, and
 * negative if the host has no passt and the guest does not require one. Failures are logged.
 */
int helper_passt_start(const char *guest, const GuestUser *user, const PasstRequest *q, int *ret);
