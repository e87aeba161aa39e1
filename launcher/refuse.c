/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest that vm-generator could not convert has a unit all the same, so that `systemctl start` fails with
 * the reason and not with "unit not found". That unit's ExecStart= is this verb. It has no privileges and
 * trusts nobody: the findings are printed as they are, one a line.
 */

#include <stdio.h>
#include <string.h>

#include "launcher/arguments.h"
#include "launcher/verbs.h"
#include "log/log.h"
#include "util/exit.h"
#include "util/ownership.h"

typedef struct Refusal {
        const char *guest;
        unsigned exit_status;
} Refusal;

static const Argument refusal_arguments[] = {
        { "guest", "a guest's name", argument_guest, offsetof(Refusal, guest), ARGUMENT_REQUIRED },
        { "exit", "an exit status", argument_unsigned, offsetof(Refusal, exit_status), 0 },
};

/* By line, so that a finding with a newline in it cannot pass as a message of another priority. */
static void print_finding(const char *finding)
{
        const char *p = finding;

        do {
                size_t n = strcspn(p, "\n");

                fprintf(stderr, "<%d>%.*s\n", LOG_ERR, (int) n, p);
                p += n;
        } while (*p++);
}

int verb_refuse(int argc, char **argv)
{
        Refusal refusal = { .exit_status = EXIT_BAD_GUEST };
        char **findings;
        int r;

        r = arguments_read(refusal_arguments, ELEMENTS(refusal_arguments), &refusal, argc, argv, &findings);
        if (r < 0)
                return EXIT_BAD_USAGE;
        if (refusal.exit_status < 1 || refusal.exit_status > 255) {
                log_error("--exit=%u is not from 1 to 255.", refusal.exit_status);
                return EXIT_BAD_USAGE;
        }
        if (!*findings)
                log_error("Guest %s is not started.", refusal.guest);
        for (; *findings; findings++)
                print_finding(*findings);
        return (int) refusal.exit_status;
}
