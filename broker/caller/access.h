/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether vmunit.conf allows a request. */

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "broker/call/create-tap.h"

/*
 * Reads the current policy. 0, or the error that says why not; *ret_detail is then what only the
 * administrator may know, or NULL.
 */
int access_check(uid_t uid, const CreateTap *ask, Terms *ret, char **ret_detail, sd_bus_error *ret_error);
