/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that were handed to guests' users go back to who owned them. */

#include "launcher/ledger.h"

/*
 * Ends what guests hold that are not there any more, from before the host's last boot or without a run-time
 * directory; and what that guest holds (or NULL). Files that nobody holds then are given back, as exactly as
 * they were. What cannot be done is logged, with report_absent also which files are not there for now; the
 * first failure is returned after all was tried.
 */
int restore_released(Ledger *ledger, const char *guest, bool report_absent);

/* Sets it, through an O_PATH descriptor too; NULL for none. */
int acl_set(int fd, const uint8_t *acl, size_t size);

/* The file's access control list as the kernel has it; NULL and 0 where it has none or the filesystem knows
 * none. */
int acl_of_fd(int fd, uint8_t **ret_acl, size_t *ret_size);
