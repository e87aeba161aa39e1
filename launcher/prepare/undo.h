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
