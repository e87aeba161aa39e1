/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl: what systemctl, machinectl and journalctl cannot do: check and define guests' XML, and work with
 * guests that run (running/verbs.c). */

#include <errno.h>
#include <getopt.h>

#include "cli/cli.h"
#include "contract/exit.h"

static const Verb verbs[] = {
        { "list",
          "[--json]",
          "list guests and their states",
          "Prints a guest a line: its name, its state, whether it starts at boot, addresses that the host\n"
          "knows, its unit, its title and its file. The states are systemd's; \"refused\" is a guest that\n"
          "would not start because of its XML or vmunit.conf (see vmctl check), \"unread\" one that\n"
          "systemctl daemon-reload has not read yet.\n\n"
          "  --json     print JSON\n"
          "  --names    print names only\n"
          "  --units    print the names of the units only\n",
          { "json", "names", "units" },
          0,
          0,
          verb_list },
        { "check",
          "FILE|NAME|-...",
          "report everything that is wrong with a guest's XML",
          "Prints errors and warnings as FILE:LINE:COLUMN: TEXT, and changes nothing. An argument with a\n"
          "slash or the ending .xml is a file, \"-\" is standard input, any other a guest that is defined.\n"
          "Exit status 65 means that there was an error.\n",
          { NULL },
          1,
          -1,
          verb_check },
        { "define",
          "FILE|-",
          "check a guest's XML and add the guest",
          "Checks the XML, stores it where the scope's guests are and has systemd read it. A guest that is\n"
          "defined already is replaced; what runs keeps running as it was started.\n",
          { NULL },
          1,
          1,
          verb_define },
        { "edit",
          "NAME",
          "edit a guest's XML, and check it before it is stored",
          "Opens $VISUAL, $EDITOR or the default editor on a copy of the guest's file. The copy is checked\n"
          "and takes the place of the file only if the guest can start with it. A guest that runs is not\n"
          "changed; systemctl reload does that as far as it is possible.\n",
          { NULL },
          1,
          1,
          verb_edit },
        { "undefine",
          "NAME",
          "remove a guest, but not its disks",
          "Removes the XML of a guest that does not run, and disables its unit. Disks, NVRAM, TPM state "
          "and\n"
          "drop-ins are kept; the output says where they are.\n",
          { NULL },
          1,
          1,
          verb_undefine },
        { "rename",
          "NAME NEW-NAME",
          "give a guest another name",
          "Renames a guest that does not run, with its state (NVRAM, saved memory), the drop-ins and links\n"
          "of its units, and its fragments. Either all of them are renamed or none.\n",
          { NULL },
          2,
          2,
          verb_rename },
        { "clone",
          "[--disk=TARGET=PATH]... NAME NEW-NAME",
          "copy a guest, with its disks",
          "Copies a guest that does not run, with its disks and firmware variables. The clone has another\n"
          "UUID and other MAC addresses. Read-only and shareable disks are shared. Either all of it is\n"
          "copied or nothing.\n\n"
          "  --disk=TARGET=PATH  where the copy of a disk is to be; default: beside the original\n",
          { NULL },
          2,
          2,
          verb_clone,
          { "disk=" } },
        { "dumpxml",
          "[--live] [--secrets] NAME|FILE|-",
          "print a guest's XML with all that was completed",
          "Prints the definition of a guest with its lasting fragments, and with what it leaves out: UUID, "
          "MAC\n"
          "addresses, the machine's version, controllers, the address of each device. vmctl define accepts\n"
          "the result. Passwords are not shown.\n\n"
          "  --live     what a running guest has, with fragments that last until it is off, names of its\n"
          "             devices, and the ports and TAP devices that it got\n"
          "  --secrets  show passwords\n",
          { "live" },
          1,
          1,
          verb_dumpxml,
          { "secrets" } },
        { "argv",
          "[--json] FILE|NAME|-",
          "print the QEMU command line",
          "Prints the command line that the guest's unit would run, quoted for a shell.\n\n"
          "  --json     print an array of strings\n",
          { "json" },
          1,
          1,
          verb_argv },
        { "policy",
          "[--json]",
          "show what vmunit.conf allows, and what it costs",
          "Prints a setting a line: its value, the file and line that set it (\"-\" for a default), the\n"
          "capabilities, devices, system calls and other lines that the units of guests have only for this\n"
          "function, and the guests that use it.\n\n"
          "  --json     print JSON\n",
          { "json" },
          0,
          0,
          verb_policy },
        { "unit",
          "FILE|NAME|-",
          "print the drop-ins of the guest's units",
          "Prints what vm-generator would write for the guest.\n",
          { NULL },
          1,
          1,
          verb_unit },
};

static void help_line(const char *name, const char *arguments, const char *what)
{
        printf("  %-10s %-21s %s\n", name, arguments, what);
}

static int help(void)
{
        printf("vmctl [--user|--system] VERB ...\n\nManage QEMU guests that run as systemd services, "
               "described by libvirt's domain XML.\n\n");
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                help_line(verbs[i].name, verbs[i].arguments, verbs[i].what);
        help_line("help", "[VERB]", "show this text, or more about a verb");
        printf("\nFor a guest that runs:\n\n");
        for (size_t i = 0; i < n_running_verbs; i++)
                help_line(running_verbs[i].name, running_verbs[i].arguments, running_verbs[i].what);
        for (size_t i = 0; i < n_change_verbs; i++)
                help_line(change_verbs[i].name, change_verbs[i].arguments, change_verbs[i].what);
        for (size_t i = 0; i < n_disk_verbs; i++)
                help_line(disk_verbs[i].name, disk_verbs[i].arguments, disk_verbs[i].what);
        printf("\n  --user, --system   the caller's own guests (default unless root), or the system's\n"
               "  --help, --version\n\n"
               "To start, stop and read logs: systemctl start vm@NAME, systemctl stop vm@NAME, journalctl "
               "-u vm@NAME.\n"
               "See vmctl(1) for details.\n");
        return EXIT_SUCCESS;
}

static int help_verb(const Verb *v)
{
        printf("vmctl [--user|--system] %s %s\n\n%s", v->name, v->arguments, v->details);
        return EXIT_SUCCESS;
}

static const Verb *find_verb(const char *name)
{
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (streq(verbs[i].name, name))
                        return &verbs[i];
        for (size_t i = 0; i < n_running_verbs; i++)
                if (streq(running_verbs[i].name, name))
                        return &running_verbs[i];
        for (size_t i = 0; i < n_change_verbs; i++)
                if (streq(change_verbs[i].name, name))
                        return &change_verbs[i];
        for (size_t i = 0; i < n_disk_verbs; i++)
                if (streq(disk_verbs[i].name, name))
                        return &disk_verbs[i];
        return NULL;
}

static int unknown_verb(const char *name)
{
        return fail(EXIT_BAD_USAGE, "unknown verb \"%s\"; see \"vmctl --help\"", name);
}

static int run_help(char **words)
{
        const Verb *v = words[0] ? find_verb(words[0]) : NULL;

        if (words[0] && words[1])
                return fail(EXIT_BAD_USAGE, "help accepts at most one verb");
        if (words[0] && !v)
                return unknown_verb(words[0]);
        return v ? help_verb(v) : help();
}

/* 1 if the word is an option of the verb, 0 if it is not an option, or an exit status. */
static int take_option(const Verb *v, const char *word, Call *call)
{
        if (word[0] != '-' || !word[1])
                return 0;
        for (size_t i = 0; i < OPTIONS_MAX && v->options[i]; i++) {
                const char *name = text_after(word, "--");

                if (!name || !streq(name, v->options[i]))
                        continue;
                if (call->option)
                        return fail(EXIT_BAD_USAGE, "--%s cannot be combined with --%s", name, call->option);
                call->option = v->options[i];
                return 1;
        }
        return fail(EXIT_BAD_USAGE, "unknown option %s; see \"vmctl %s --help\"", word, v->name);
}

/* Whether it is an option of the verb that goes with others. */
static bool take_extra(const Verb *v, const char *word, Call *call)
{
        const char *name = text_after(word, "--");

        for (size_t i = 0; name && i < OPTIONS_MAX && v->extras[i]; i++) {
                bool takes_value = text_ends_with(v->extras[i], "=");

                if (takes_value ? text_after(name, v->extras[i]) == NULL : !streq(name, v->extras[i]))
                        continue;
                call->extras[call->n_extras++] = name;
                return true;
        }
        return false;
}

static int count_words(char **words)
{
        int n = 0;

        while (words[n])
                n++;
        return n;
}

/* words: what follows the verb, ended by NULL; options are taken out of it. */
static int run_verb(const Verb *v, bool user_scope, char **words)
{
        _cleanup_(freep) const char **extras = calloc((size_t) count_words(words) + 1, sizeof(*extras));
        Call call = { .verb = v->name, .user_scope = user_scope, .words = words, .extras = extras };
        bool options = true;

        if (!extras)
                return fail(EXIT_OS, "out of memory");

        for (char **w = words; *w; w++) {
                int r;

                if (options && streq(*w, "--") && !v->own_options) {
                        options = false;
                        continue;
                }
                if (options && (streq(*w, "--help") || streq(*w, "-h")))
                        return help_verb(v);
                if (options && take_extra(v, *w, &call))
                        continue;
                r = options && !v->own_options ? take_option(v, *w, &call) : 0;
                if (r > 1)
                        return r;
                if (r == 0)
                        words[call.n_words++] = *w;
        }
        words[call.n_words] = NULL;
        if (call.n_words < v->min || (v->max >= 0 && call.n_words > v->max))
                return fail(
                        EXIT_BAD_USAGE, "usage: vmctl %s %s; see \"vmctl %s --help\"", v->name, v->arguments,
                        v->name);
        return v->run(&call);
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
        const Verb *v;
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
        if (streq(argv[optind], "help"))
                return flushed(run_help(argv + optind + 1));
        v = find_verb(argv[optind]);
        return v ? flushed(run_verb(v, user_scope, argv + optind + 1)) : unknown_verb(argv[optind]);
}
