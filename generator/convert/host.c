/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All guests of one run are converted under the same policy: if vmunit.conf were read for each guest, an
 * edit in between would apply to only some of them. vmunit.conf is the administrator's, and trusted. A
 * user's environment only decides about that user's own guests.
 */

#include "generator/convert/host.h"

#include <errno.h>

#include "device/kinds.h"
#include "util/user-directory.h"

int host_read(Host *host, const char *root, bool user_scope)
{
        int r;

        *host = (Host){ .root = root, .user_scope = user_scope, .kinds = device_kinds };
        host->run = user_scope ? user_directory(USER_RUN) : strdup("/run");
        host->state = user_scope ? user_directory(USER_STATE) : strdup("/var/lib");
        host->home = user_scope ? user_directory(USER_HOME) : NULL;
        host->findings = findings_new();
        if (!host->run || !host->state || (user_scope && !host->home) || !host->findings)
                return host->status = -ENOMEM;
        r = policy_read(root, user_scope, &host->policy, host->findings);
        return host->status = r == -EINVAL ? -EBADMSG : r;
}

void host_done(Host *host)
{
        free(host->run);
        free(host->state);
        free(host->home);
        host->findings = findings_free(host->findings);
        policy_done(&host->policy);
        *host = (Host){ 0 };
}
