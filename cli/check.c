/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl check: all findings about guests' XML; no privileges, no systemd and no host needed. */

#include "cli/cli.h"
#include "contract/exit.h"

int verb_check(bool user_scope, int argc, char **argv)
{
        int worst = 0;

        if (argc < 2)
                return fail(
                        EXIT_BAD_USAGE, "check requires at least one argument: a file, a guest's name, or "
                                        "\"-\" for standard input");
        for (int i = 1; i < argc; i++) {
                _cleanup_(conversion_cleanup) Conversion c = { 0 };
                int r = convert_argument(user_scope, argv[i], &c, NULL);

                if (r == EXIT_POLICY)
                        r = EXIT_BAD_GUEST; /* whoever has to fix it, an error was found */
                /* a bad guest matters more than a missing one */
                if (r != 0 && worst != EXIT_BAD_GUEST)
                        worst = r;
        }
        return worst;
}
