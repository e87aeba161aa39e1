/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * TAPs for unprivileged users' guests, which the broker creates. Open this to change when one is kept or
 * requested; the call itself is in broker-client.h.
 */

#include "launcher/tap/tap.h"

/*
 * As tap_open(), for a TAP that the broker creates and names. One that is in the store already and has the
 * requested properties is kept. Failures are logged; errors are those of broker_create_tap().
 */
int user_tap_open(
        int netlink, const char *guest, const TapRequest *q, const Prepared *last, Store *store,
        Prepared *prepared);
