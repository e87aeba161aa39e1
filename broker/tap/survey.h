/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What there is on the host: users' TAPs, and who has which address on a bridge. */

#include <stdbool.h>
#include <sys/types.h>

#include "broker/call/limits.h"
#include "broker/tap/tap-name.h"
#include "net/netlink.h"

/* Users' TAPs, and the ones of one user in particular. */
typedef struct Survey {
        uid_t uid; /* set these two, zero the rest */
        unsigned bridge;
        bool used[TAP_NUMBERS]; /* numbers in the user's names */
        unsigned total, in_bridge;
        unsigned stale[TAPS_SWEPT_MAX]; /* persistent ones of any user that nobody holds */
        unsigned n_stale;
} Survey;

/* As netlink_list(), again where interfaces come and go meanwhile. */
int survey_taps(int netlink, Survey *survey);

/* 1 where a guest or the host has that address on the bridge, 0 where nobody has. */
int survey_address(int netlink, unsigned bridge, const uint8_t mac[static 6]);
