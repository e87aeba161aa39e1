/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* vmunit.conf: the administrator's policy; see vmunit.conf(5). */

#include "guest/findings.h"
#include "guest/settings.h"

/*
 * Reads vmunit.conf and vmunit.conf.d/NAME.conf, from /etc, /run and /usr/lib as systemd.syntax(7) has it:
 * the first vmunit.conf counts, then all the drop-ins sorted by name, one in /etc hiding one of its name in
 * /run. A line that is not understood is an error among the findings: a policy is followed whole or not at
 * all. root is a prefix of the directories, NULL for none. texts owns what settings borrow. 0, or -EINVAL
 * where the findings hold an error, -ENOMEM.
 */
int policy_read(const char *root, Settings *settings, Strings *texts, Findings *findings);
