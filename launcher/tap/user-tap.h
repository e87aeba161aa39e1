/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* TAPs of users who are not root. */

#include "launcher/tap/tap.h"

/*
 * As tap_open(), for a TAP that the broker makes and names. One that is in the store already and is as it
 * was asked for stays. Logged; errors as broker_create_tap() has them.
 */
int user_tap_open(
        int netlink, const char *guest, const TapRequest *q, const Prepared *last, Store *store,
        Prepared *note);
