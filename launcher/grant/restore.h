/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Files that were handed to guests' users go back to who owned them, when no guest has them any more, as
 * exactly as they were. What cannot be done is logged; the first failure is returned after all was tried.
 */

#include "launcher/ledger/ledger.h"

/* What that guest has. */
int restore_guest(Ledger *ledger, const char *guest);

/*
 * What guests had that are not there any more, from before the host's last boot or without a run-time
 * directory. With report_absent it is also said which files are not there for now.
 */
int restore_left(Ledger *ledger, bool report_absent);

/* The same for one file, whose lock is held. */
int restore_file_left(Ledger *ledger, const Identity *identity);
