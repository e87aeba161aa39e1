/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is in a guest's state directory, for the programs that make and move it. */

#define STATE_UUID_FILE "uuid"   /* the UUID of the guest that the state belongs to, and a newline */
#define STATE_VARIABLES "_VARS." /* in NAME_VARS.fd and the like: the firmware's variables */
