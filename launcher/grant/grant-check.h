/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a file may be handed out. What is against it is logged; 0 or a negative errno. */

#include "launcher/errand/path.h"
#include "launcher/grant/grant.h"

const char *grant_purpose(GrantMode mode); /* "read", "read and write" */

/* Not where another guest has it in a way that does not go together: -EBUSY. */
int grant_check_holders(const Granting *granting, const Record *record, GrantMode mode);

/* Not where guests of another user have it, who cannot own it, too: -EBUSY. */
int grant_check_users(const Granting *granting, const Record *record);

/* What must be so of a file whose owner, or access control list, is to change: -EPERM, -EACCES. */
int grant_check_file(const Granting *granting, const Walk *walk, GrantMode mode);
