/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vm-launcher does for a guest, while its unit starts, runs and stops, what systemd cannot do by itself. Its
 * callers are the unit files that vm-generator wrote, so that all it is to do stands in arguments and
 * nothing is read from the guest's XML here. Some verbs start with some of root's privileges and some
 * without any; each verb's file says what it needs and trusts.
 */

#include <stdio.h>

#include "contract/exit.h"
#include "launcher/helper/helper.h"
#include "launcher/prepare/prepare.h"
#include "launcher/verb/verbs.h"
#include "log/log.h"
#include "util/text.h"

typedef struct Verb {
        const char *name;
        int (*run)(int argc, char **argv);
        const char *help;
} Verb;

static const Verb verbs[] = {
        { "run", verb_run, "Run the guest (vm@.service)" },
        { "serve", verb_serve, "Prepare and register the guest (vm-helper@.service)" },
        { "cleanup", verb_cleanup, "Return disks to their owners (vm-helper@.socket)" },
        { "reload", verb_reload, "Change the guest that runs (ExecReload= of vm@.service)" },
        { "tpm", verb_tpm, "Emulate the guest's TPM (vm-tpm@.service)" },
        { "refuse", verb_refuse, "Log why the guest cannot start (instead of run)" },
        { "prepare", verb_prepare, "Prepare the guest by hand" },
};

static int show_help(void)
{
        printf("Usage: vm-launcher VERB [OPTION…] [-- ARGUMENT…]\n\n"
               "Starts, runs and cleans up after a guest. Called by the guest's units; see "
               "vm-launcher(8).\n\nVerbs:\n");
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
        printf("\nOptions:\n  --help     Show this text\n  --version  Show the version\n");
        return ferror(stdout) || fflush(stdout) != 0 ? EXIT_OS : 0;
}

int main(int argc, char **argv)
{
        if (argc < 2) {
                log_error("Expected a verb; see vm-launcher --help.");
                return EXIT_BAD_USAGE;
        }
        if (streq(argv[1], "--help") || streq(argv[1], "-h"))
                return show_help();
        if (streq(argv[1], "--version")) {
                puts("vm-launcher " VMUNIT_VERSION);
                return ferror(stdout) || fflush(stdout) != 0 ? EXIT_OS : 0;
        }
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (streq(argv[1], verbs[i].name))
                        return verbs[i].run(argc - 1, argv + 1);
        log_error("Unknown verb \"%s\"; see vm-launcher --help.", argv[1]);
        return EXIT_BAD_USAGE;
}
