/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A note of the change that is under way, for whoever is next if this process is killed. */

#include "operate/operation.h"

/* Writes what would have to be taken back now, or removes the note if that is nothing. 0 or a negative
 * errno. */
int unfinished_note(const Operation *o);

/*
 * Takes back what a change left that was killed, unless the guest may have been changed already, and sets
 * o->interrupted if there is such a change. The note stays for operation_done(), since systemd has still to
 * hear of it. To be called under the lock. 0 or a negative errno.
 */
int unfinished_end(Operation *o);
