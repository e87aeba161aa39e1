/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The undo log: what was changed on the host for a guest and does not vanish with its descriptors. Open this
 * to change how steps are remembered; what each kind of step does is in launcher/prepare/undo.c.
 */

#include <stdbool.h>

#include "contract/state.h"
#include "util/ownership.h"

#define UNDO_LOG_DIRECTORY STATE_UNDO

typedef struct UndoLog UndoLog;

/* Reads the log of that guest. Failures are logged. */
int undo_log_open(const char *guest, UndoLog **ret);
UndoLog *undo_log_free(UndoLog *log); /* the file stays; returns NULL */

/* Whether anything has to be undone for that guest. */
bool undo_log_is_needed(const char *guest);

/* Remembers a step, a kind of the table in undo.c and then its words, before it is carried out. Failures are
 * logged. */
int undo_log_add(UndoLog *log, const char *format, ...) _printf_(2, 3);

/* Replaces the last step when more is known of what was done. Failures are logged. */
int undo_log_amend(UndoLog *log, const char *format, ...) _printf_(2, 3);

typedef struct UndoKind {
        const char *name;
        int (*undo)(char *words); /* may change them; failures are logged, except -EBADMSG */
} UndoKind;

size_t undo_log_count(const UndoLog *log);

/*
 * Which steps are to be undone: those from a number on, from 0; and, unless it is NULL, only those that are
 * wanted, of which words may be changed.
 */
typedef struct UndoChoice {
        size_t from;
        bool (*wants)(const char *kind, char *words, const void *userdata);
        const void *userdata;
} UndoChoice;

/* Undoes these steps, the last first. What fails is logged and stays remembered; returns the first failure.
 */
int undo_log_run(UndoLog *log, const UndoKind *kinds, size_t count, const UndoChoice *choice);

DEFINE_CLEANUP(UndoLog, undo_log_free);
