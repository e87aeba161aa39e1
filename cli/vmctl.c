/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl: what systemctl, machinectl and journalctl cannot do: check and define guests' XML, and attach to
 * the console. */

#include <errno.h>
#include <getopt.h>

#include "cli/cli.h"
#include "contract/exit.h"

static const struct {
        const char *name, *arguments, *what;
        int (*run)(bool user_scope, int argc, char **argv);
} verbs[] = {
        { "list", "[--json]", "list guests and their states", verb_list },
        { "check", "FILE|NAME|-...", "report everything that is wrong with a guest's XML", verb_check },
        { "define", "FILE|-", "check a guest's XML and add the guest", verb_define },
        { "undefine", "NAME", "remove a guest, but not its disks", verb_undefine },
        { "console", "NAME", "connect to the guest's serial console", verb_console },
        { "argv", "[--json] FILE|NAME|-", "print the QEMU command line", verb_argv },
        { "unit", "FILE|NAME|-", "print the drop-in of the guest's unit", verb_unit },
};

static int help(void)
{
        printf("vmctl [--user|--system] VERB ...\n\nManage QEMU guests that run as systemd services, "
               "described by libvirt's domain XML.\n\n");
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                printf("  %-9s %-21s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].what);
        printf("\n  --user, --system   the caller's own guests (default unless root), or the system's\n"
               "  --help, --version\n\n"
               "To start, stop and read logs: systemctl start vm@NAME, systemctl stop vm@NAME, journalctl "
               "-u vm@NAME.\n"
               "See vmctl(1) for details.\n");
        return EXIT_SUCCESS;
}

/* Output that did not reach a full disk is a failure. */
static int flushed(int status)
{
        if (status == EXIT_SUCCESS && (fflush(stdout) != 0 || ferror(stdout)))
                return fail(EXIT_OS, "cannot write to standard output: %s", strerror(errno));
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
                return fail(EXIT_BAD_USAGE, "missing verb; see \"vmctl --help\"");
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (streq(verbs[i].name, argv[optind]))
                        return flushed(verbs[i].run(user_scope, argc - optind, argv + optind));
        return fail(EXIT_BAD_USAGE, "unknown verb \"%s\"; see \"vmctl --help\"", argv[optind]);
}
