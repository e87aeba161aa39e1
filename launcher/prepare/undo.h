/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Undoes what the undo log tells of: open this to add a kind of step; remembering is
 * launcher/host/undo-log.c.
 */

#include "launcher/host/undo-log.h"

/* Needs CAP_NET_ADMIN for steps that concern the network. What fails stays in the log; returns the first
 * failure, logged. */
int undo_run(UndoLog *log);
