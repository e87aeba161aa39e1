/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest that vm-generator could not convert has a unit all the same, so that `systemctl start` fails with
 * the reason and not with "unit not found". That unit's ExecStart= is this verb, with --guest= and the
 * findings. A unit of no guest has that of the template, with --instance=, which fails too. The verb has no
 * privileges and trusts nobody: the findings are printed as they are, one a line.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "contract/arguments.h"
#include "contract/exit.h"
#include "launcher/verb/verbs.h"
#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

typedef struct Refusal {
        const char *guest, *instance;
        unsigned exit_status;
} Refusal;

static const Argument refusal_arguments[] = {
        { "guest", "a guest's name", argument_guest, offsetof(Refusal, guest), 0 },
        { "instance", "a unit's instance", argument_text, offsetof(Refusal, instance), 0 },
        { "exit", "an exit status", argument_unsigned, offsetof(Refusal, exit_status), 0 },
};

/* By line, so that a finding with a newline in it cannot pass as a message of another priority. */
static void print_finding(const char *finding)
{
        const char *p = finding;

        do {
                size_t n = strcspn(p, "\n");

                log_error("%.*s", (int) n, p);
                p += n;
        } while (*p++);
}

/* Who typed "web\\x2d1" has it from systemd-escape(1), and is told what is typed for the guest web-1. */
static int refuse_instance(const char *instance, const char *why)
{
        _cleanup_(freep) char *name = NULL, *unit = NULL;
        int r = unit_name_guest(instance, &name);

        if (r == 0)
                r = unit_name_for_guest(name, &unit);
        if (r == -ENOMEM) {
                log_out_of_memory();
                return EXIT_OS;
        }
        if (unit)
                log_error(
                        "vm@%s.service is not a guest's unit: the unit of guest %s is %s.", instance, name,
                        unit);
        else if (name)
                log_error("No such guest: %s%s%s", name, why ? ". " : ".", why ?: "");
        else
                log_error(
                        "vm@%s.service is not a guest's unit: its instance is not a guest's name.",
                        instance);
        return EXIT_NO_GUEST;
}

int verb_refuse(int argc, char **argv)
{
        Refusal refusal = { .exit_status = EXIT_BAD_GUEST };
        char **findings;
        int r;

        r = arguments_read(refusal_arguments, ELEMENTS(refusal_arguments), &refusal, argc, argv, &findings);
        if (r >= 0 && !refusal.guest == !refusal.instance) {
                log_error("Exactly one of --guest=NAME and --instance=INSTANCE is required.");
                r = -EINVAL;
        }
        if (r < 0)
                return EXIT_BAD_USAGE;
        if (refusal.exit_status < 1 || refusal.exit_status > 255) {
                log_error("--exit=%u must be from 1 to 255.", refusal.exit_status);
                return EXIT_BAD_USAGE;
        }
        if (refusal.instance)
                return refuse_instance(refusal.instance, *findings);
        log_open(refusal.guest, NULL);
        if (!*findings)
                log_error("Refusing to start guest %s.", refusal.guest);
        for (; *findings; findings++)
                print_finding(*findings);
        return (int) refusal.exit_status;
}
