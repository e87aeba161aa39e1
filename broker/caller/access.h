/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What vmunit.conf says to a request. */

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "broker/tap/create-tap.h"

/* The conditions under which it is allowed. */
typedef struct Terms {
        unsigned max_taps;        /* of this user, on all bridges together */
        unsigned max_bridge_taps; /* on this one */
        bool filter_mac;
} Terms;

/*
 * The policy as it is now. 0, or the error that says why not; *ret_detail is then what only the
 * administrator is to know of it, or NULL.
 */
int access_check(uid_t uid, const CreateTap *ask, Terms *ret, char **ret_detail, sd_bus_error *ret_error);
