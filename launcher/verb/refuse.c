/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Says why a guest cannot start. A guest that vm-generator cannot convert still gets a unit, so that
 * `systemctl start` fails with the reason instead of "unit not found": its ExecStart= is this verb with
 * --guest= and the findings. An instance without a guest gets the template's ExecStart=, with --instance=,
 * which fails too. The verb has no privileges and trusts nothing: it prints the findings unchanged, one per
 * line.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "contract/arguments.h"
#include "contract/exit.h"
#include "contract/options.h"
#include "launcher/verb/verbs.h"
#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

typedef struct Refusal {
        const char *guest, *instance;
        unsigned exit_status;
} Refusal;

static const Argument refusal_arguments[] = {
        { OPTION_GUEST, "a guest's name", argument_guest, offsetof(Refusal, guest), 0 },
        { OPTION_INSTANCE, "a unit's instance", argument_text, offsetof(Refusal, instance), 0 },
        { OPTION_EXIT, "an exit status", argument_unsigned, offsetof(Refusal, exit_status), 0 },
};

/* Line by line, so that a newline in a finding cannot forge a message of another priority. */
static void print_finding(const char *finding)
{
        const char *p = finding;

        do {
                size_t n = strcspn(p, "\n");

                log_error("%.*s", (int) n, p);
                p += n;
        } while (*p++);
}

/* "web\\x2d1" is what systemd-escape(1) makes of web-1; the message says what to type for that guest. */
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
