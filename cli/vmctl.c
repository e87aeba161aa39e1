/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl: for what systemctl, machinectl and journalctl cannot do: looking at guests' XML, bringing it in,
 * the console. */

#include <errno.h>
#include <getopt.h>

#include "cli/cli.h"
#include "contract/exit.h"

static const struct {
        const char *name, *arguments, *what;
        int (*run)(bool user_scope, int argc, char **argv);
} verbs[] = {
        { "list", "[--json]", "the guests and their states", verb_list },
        { "check", "FILE|NAME|-...", "all that is wrong with a guest's XML", verb_check },
        { "define", "FILE|-", "check a guest's XML and bring it in", verb_define },
        { "undefine", "NAME", "remove a guest's XML", verb_undefine },
        { "console", "NAME", "the guest's serial console", verb_console },
        { "argv", "[--json] FILE|NAME|-", "the QEMU command line it runs with", verb_argv },
        { "unit", "FILE|NAME|-", "the drop-in of its unit", verb_unit },
};

static int help(void)
{
        printf("vmctl [--user|--system] VERB ...\n\nLooks after guests: QEMU as systemd services, from "
               "libvirt's domain XML.\n\n");
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                printf("  %-9s %-21s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].what);
        printf("\n  --user, --system   the scope: a user's own guests (default but for root), or the "
               "system's\n"
               "  --help, --version\n\n"
               "Starting, stopping and logs: systemctl start vm@NAME, systemctl stop vm@NAME, journalctl -u "
               "vm@NAME.\n"
               "vmctl(1) says more.\n");
        return EXIT_SUCCESS;
}

/* Who asked for a list into a full disk has not got it. */
static int flushed(int status)
{
        if (status == EXIT_SUCCESS && (fflush(stdout) != 0 || ferror(stdout)))
                return fail(EXIT_OS, "standard output cannot be written: %s", strerror(errno));
        return status;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "user", no_argument, NULL, 'u' },
                { "system", no_argument, NULL, 's' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { 0 },
        };
        bool user_scope = getuid() != 0;
        int option;

        while ((option = getopt_long(argc, argv, "+h", options, NULL)) >= 0)
                switch (option) {
                case 'u':
                        user_scope = true;
                        break;
                case 's':
                        user_scope = false;
                        break;
                case 'h':
                        return flushed(help());
                case 'V':
                        puts("vmunit " VMUNIT_VERSION);
                        return flushed(EXIT_SUCCESS);
                default:
                        return EXIT_BAD_USAGE;
                }
        if (optind >= argc)
                return fail(EXIT_BAD_USAGE, "a verb is missing; \"vmctl --help\" lists them");
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (streq(verbs[i].name, argv[optind]))
                        return flushed(verbs[i].run(user_scope, argc - optind, argv + optind));
        return fail(EXIT_BAD_USAGE, "\"%s\" is not a verb; \"vmctl --help\" lists them", argv[optind]);
}
