/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* vmunit.conf: the administrator's policy; see vmunit.conf(5). */

#include <stdbool.h>

#include "util/findings.h"
#include "util/text.h"

typedef struct Policy {
        Strings files; /* where it was read from; findings borrow these names */

        /* [Guests] */
        Strings image_directories;   /* where backing files that only an image names may lie */
        bool allow_qemu_commandline; /* <qemu:commandline> and its kin */
        bool allow_host_devices;     /* <hostdev> and others that hand a device of the host to the guest */
} Policy;

/*
 * Reads vmunit.conf and vmunit.conf.d/NAME.conf, from /etc, /run and /usr/lib as systemd.syntax(7) has it:
 * the first vmunit.conf counts, then all the drop-ins sorted by name, one in /etc hiding one of its name in
 * /run. A line that is not understood is an error among the findings: a policy is followed whole or not at
 * all. root is a prefix of the directories, NULL for none; user_scope is whose guests it is read for, which
 * some defaults go by. 0, or -EINVAL where the findings hold an error, -ENOMEM; *policy, empty before, is to
 * be released in each case.
 */
int policy_read(const char *root, bool user_scope, Policy *policy, Findings *findings);

void policy_done(Policy *policy);
