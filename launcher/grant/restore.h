/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Giving files back to their original owners, exactly as they were, when no guest uses them any more. Open
 * this to change how and when that happens. Failures are logged; the first one is returned after everything
 * was tried.
 */

#include "launcher/ledger/ledger.h"

/*
 * Whether a file of that guest, or with NULL any file, has another owner or access control list than before,
 * which requires CAP_CHOWN, CAP_FOWNER and CAP_DAC_READ_SEARCH to undo. Looks at the records only.
 */
int restore_is_needed(Ledger *ledger, const char *guest, bool *ret);

/* What that guest uses. */
int restore_guest(Ledger *ledger, const char *guest);

/*
 * What guests used that no longer run, because they are from an earlier boot or have no runtime directory.
 * report_absent also logs which files are missing for now.
 */
int restore_left(Ledger *ledger, bool report_absent);

/* The same for one file, whose lock is held. */
int restore_file_left(Ledger *ledger, const Identity *identity);
