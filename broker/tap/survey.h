/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The state of the host: users' TAPs, and which addresses are in use on a bridge. */

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
        unsigned stale[TAPS_SWEPT_MAX]; /* persistent TAPs of any user without a holder */
        unsigned n_stale;
} Survey;

/* Like netlink_list(), repeated if interfaces come and go meanwhile. */
int survey_taps(int netlink, Survey *survey);

/* 1 if a guest or the host uses that address on the bridge, 0 if not. */
int survey_address(int netlink, unsigned bridge, const uint8_t mac[static 6]);
