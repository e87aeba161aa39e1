/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is in a guest's state directory, for the programs that make and move it, and what is elsewhere. */

#define STATE_UUID_FILE "uuid"          /* the UUID of the guest that the state belongs to, and a newline */
#define STATE_SAVED     "saved"         /* a guest that was saved: its memory and the state of its devices */
#define STATE_SAVING    "saved.partial" /* the same while it is written */
#define STATE_RESTORING                                                                   \
        "saved.restoring" /* the same from the moment at which the restored guest may run \
                           */
#define STATE_FRAGMENTS \
        "/var/lib/vmunit/guests" /* of saved guests of the system: NAME.xml.d, for root only */
#define STATE_UNDO                                                                                        \
        "/run/vmunit/undo" /* a file for each guest for which something of the host was changed, for root \
                              only */
#define STATE_VARIABLES "_VARS." /* in NAME_VARS.fd and the like: the firmware's variables */
