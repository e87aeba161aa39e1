/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "generator/convert.h"
#include "util/exit.h"

static void conversion_cleanup(Conversion *c)
{
        conversion_done(c);
}

static void print_findings(const Findings *f)
{
        for (size_t i = 0; i < findings_count(f); i++) {
                _cleanup_(freep) char *line = finding_format(findings_get(f, i));

                fprintf(stderr, "%s\n", line ?: "out of memory");
        }
}

static int print_json(const Strings *argv)
{
        json_t *array = json_array();

        for (size_t i = 0; i < argv->count; i++)
                json_array_append_new(array, json_string(argv->items[i]));
        json_dumpf(array, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(array);
        return 0;
}

int main(int argc, char **argv)
{
        _cleanup_(conversion_cleanup) Conversion c = { 0 };
        int r;

        if (argc < 4 || !streq(argv[1], "argv") || !streq(argv[2], "--json")) {
                fprintf(stderr, "usage: vmctl argv --json FILE\n");
                return EXIT_BAD_USAGE;
        }
        r = conversion_start(&c, NULL, false);
        if (r >= 0)
                r = conversion_file(&c, argv[3], NULL);
        if (c.findings)
                print_findings(c.findings);
        if (r < 0)
                return r == -ENOENT ? EXIT_NO_GUEST : EXIT_BAD_GUEST;
        return print_json(&c.plan.argv);
}
