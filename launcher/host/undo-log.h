/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was changed on the host for a guest and outlives its descriptors; remembered, and changed back after
 * the guest. */

#include <stdbool.h>

#include "util/ownership.h"

#define UNDO_LOG_DIRECTORY "/run/vmunit/undo"

typedef struct UndoLog UndoLog;

/* Reads what is remembered for that guest. Failures are logged. */
int undo_log_open(const char *guest, UndoLog **ret);
UndoLog *undo_log_free(UndoLog *undo); /* forgets nothing; returns NULL */

/* Whether there is anything to be undone for that guest. */
bool undo_log_is_needed(const char *guest);

/* Remembers a step: a kind of the table in undo.c, then its words.
 * To be done before what it undoes. Logged. */
int undo_log_add(UndoLog *undo, const char *format, ...) _printf_(2, 3);

/* Says the last step anew, when more is known of what was done. Logged. */
int undo_log_amend(UndoLog *undo, const char *format, ...) _printf_(2, 3);

/* Undoes all, the last first. What fails is logged and stays remembered; the first failure is returned. */
int undo_log_run(UndoLog *undo);

DEFINE_CLEANUP(UndoLog, undo_log_free);
