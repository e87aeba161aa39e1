/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl check: all findings about guests' XML; no privileges, no systemd and no host needed. */

#include "cli/cli.h"
#include "contract/exit.h"

int verb_check(const Call *call)
{
        _cleanup_(host_done) Host host = { 0 };
        int worst = 0;

        (void) host_read(&host, NULL, call->user_scope); /* each conversion reports what is wrong with it */
        for (int i = 0; i < call->n_words; i++) {
                _cleanup_(conversion_done) Conversion c = { 0 };
                int r = convert_argument(&host, call->words[i], &c, NULL);

                if (r == EXIT_POLICY)
                        r = EXIT_BAD_GUEST; /* also if only vmunit.conf forbids it */
                /* a bad guest matters more than a missing one */
                if (r != 0 && worst != EXIT_BAD_GUEST)
                        worst = r;
        }
        return worst;
}
