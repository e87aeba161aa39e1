/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl unit: the drop-in that vm-generator would write for a guest, also the one that refuses its start. */

#include <errno.h>

#include "cli/cli.h"
#include "generator/drop-in.h"
#include "util/exit.h"

int verb_unit(bool user_scope, int argc, char **argv)
{
        _cleanup_(conversion_cleanup) Conversion c = { 0 };
        _cleanup_(freep) char *path = NULL, *real = NULL, *text = NULL;
        const char *name;
        size_t size;
        int r, q;

        if (argc != 2)
                return fail(EXIT_BAD_USAGE, "unit wants one file or guest's name");
        r = convert_argument(user_scope, argv[1], &c, &path);
        if (r != 0 && r != EXIT_BAD_GUEST)
                return r;
        name = c.guest ? c.guest->general.name : NULL;
        if (!name)
                return r;
        real = realpath(path, NULL);
        q = drop_in_text(&c, name, real ?: path, &text, &size);
        if (q < 0)
                return fail(EXIT_OS, "%s", strerror(-q));
        (void) fwrite(text, 1, size, stdout);
        return c.status < 0 ? EXIT_BAD_GUEST : EXIT_SUCCESS;
}
