/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Undoes the steps in the undo log. Open this to add a kind of step; how steps are remembered is in
 * launcher/host/undo-log.h.
 */

#include "launcher/host/undo-log.h"

/*
 * Requires CAP_NET_ADMIN for network steps. Steps that fail stay in the log; returns the first failure,
 * which is logged.
 */
int undo_run(UndoLog *log);

/* The same for the steps after the first ones, of which there are so many. */
int undo_run_from(UndoLog *log, size_t first);

/*
 * A guest that runs has let go of the TAP with that descriptor (contract/fd-name.h), so what was made for it
 * goes. Nothing if the guest's log has no such step. Logged.
 */
int undo_released(const char *guest, const char *descriptor);
