/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How much of the broker, and by it of the host, a user may use up. How many TAPs one may have is policy's
 * to say (vmunit.conf).
 *
 * A message as a whole is limited by the bus. Of a longer one than these limits make for, nothing is looked
 * at behind the value that is too long.
 */

#define REQUESTS_MAX          256U  /* under way, of all users together */
#define REQUESTS_PER_USER_MAX 16U   /* so that one user's never keep another's waiting */
#define USERS_MAX             1024U /* users of whom something is remembered: a request, or a refusal */
#define USER_GROUPS_MAX       1024U /* groups that are looked at */
#define GUEST_NAME_MAX        128U  /* bytes */
#define OPTION_SIZE_MAX       64U   /* bytes of the longest option that is a text */
#define TAP_QUEUES_MAX        16U   /* descriptors in one message; the bus takes no more by default */
#define TAP_MTU_MIN           68U   /* the kernel's */
#define TAP_MTU_MAX           65521U
#define TAPS_SWEPT_MAX        64U   /* at once */
#define PORTS_WATCHED_MAX     1024U /* whose addresses are put right */
#define WATCH_MILLISECONDS    1000  /* without a change of an interface; then systemd waits for the next */
#define LIST_TRIES            5U    /* to list interfaces of a host where they come and go */

#define REFUSALS_LOGGED  10U /* of one user, in so many seconds */
#define REFUSALS_SECONDS 10U

#define IDLE_SECONDS        30U
#define STOP_SECONDS        1U   /* when told to stop, for polkit to answer still; see TimeoutStopSec= */
#define POLKIT_SECONDS      25U  /* for an answer */
#define POLKIT_USER_SECONDS 110U /* where somebody has to be asked; the launcher waits longer */
