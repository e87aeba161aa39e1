/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How much of the broker, and through it of the host, a user may consume. The number of TAPs is set in
 * vmunit.conf.
 *
 * The bus limits the size of a message. Reading stops at the first value that exceeds these limits.
 */

#define REQUESTS_MAX          256U  /* in progress, of all users together */
#define REQUESTS_PER_USER_MAX 16U   /* so that no user can keep others waiting */
#define USERS_MAX             1024U /* users with a request in progress or a recent refusal */
#define USER_GROUPS_MAX       1024U /* of one user */
#define GUEST_NAME_MAX        128U  /* bytes */
#define OPTION_SIZE_MAX       64U   /* bytes, of a string option */
#define TAPS_SWEPT_MAX        64U   /* at once */
#define PORTS_WATCHED_MAX     1024U /* whose addresses are restored */
#define WATCH_MILLISECONDS    1000  /* without any change; then systemd listens again */
#define LIST_TRIES            5U    /* to list interfaces while they come and go */

#define REFUSALS_LOGGED  10U /* of one user, within REFUSALS_SECONDS */
#define REFUSALS_SECONDS 10U

#define IDLE_SECONDS        30U
#define STOP_SECONDS        1U   /* for polkit to answer when the broker stops; see TimeoutStopSec= */
#define POLKIT_SECONDS      25U  /* for an answer */
#define POLKIT_USER_SECONDS 110U /* if polkit asks for a password; the launcher waits longer */
