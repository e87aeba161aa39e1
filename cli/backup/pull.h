/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The time in which a client reads a backup over NBD. */

#include "cli/cli.h"
#include "operate/backup/backup.h"

/* To be called before a pull begins. */
void pull_block_signals(void);

/* Waits for the end of the command (words ended by NULL), or without one for a line on standard input. 0 if
 * the client has all; else the exit status after a message. */
int pull_wait(Backup *b, char **command);
