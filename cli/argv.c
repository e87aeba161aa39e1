/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl argv: the QEMU command line that a guest's unit would run. */

#include "cli/cli.h"
#include "contract/exit.h"

static int print_json(const Strings *argv)
{
        json_t *array = json_array();
        int r = array ? 0 : -1;

        for (size_t i = 0; r == 0 && i < argv->count; i++)
                r = json_array_append_new(array, json_string(argv->items[i]));
        if (r == 0)
                r = json_dumpf(array, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(array);
        return r == 0 ? EXIT_SUCCESS : fail(EXIT_OS, "out of memory");
}

/* Quoted for a POSIX shell. */
static void print_word(const char *word)
{
        if (*word &&
            strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@") ==
                    strlen(word)) {
                fputs(word, stdout);
                return;
        }
        putchar('\'');
        for (; *word; word++)
                if (*word == '\'')
                        fputs("'\\''", stdout);
                else
                        putchar(*word);
        putchar('\'');
}

static int print_shell(const Strings *argv)
{
        for (size_t i = 0; i < argv->count; i++) {
                fputs(i == 0 ? "" : argv->items[i][0] == '-' ? " \\\n    " : " ", stdout);
                print_word(argv->items[i]);
        }
        putchar('\n');
        return EXIT_SUCCESS;
}

int verb_argv(const Call *call)
{
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };
        int r;

        (void) host_read(&host, NULL, call->user_scope); /* each conversion reports what is wrong with it */
        r = convert_argument(&host, call->words[0], &c, NULL);
        if (r != 0)
                return r;
        return call->option ? print_json(&c.plan.argv) : print_shell(&c.plan.argv);
}
