/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "tests/unit/test.h"
#include "util/text.h"
#include "util/unit-name.h"

int main(void)
{
        /* the right-hand side is what systemd-escape(1) prints */
        static const char *const cases[][2] = {
                { "demo", "demo" },           { "web-1", "web\\x2d1" },
                { "a b/c", "a\\x20b-c" },     { ".hidden.x", "\\x2ehidden.x" },
                { "x@y%z", "x\\x40y\\x25z" }, { "gr\xc3\xbc\xc3\x9f", "gr\\xc3\\xbc\\xc3\\x9f" },
        };
        char long_name[300];
        char *s = NULL;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(freep) char *escaped = unit_name_escape(cases[i][0]), *back = NULL;

                CHECK_TEXT(escaped, cases[i][1]);
                CHECK_NUMBER(unit_name_unescape(escaped, &back), 0);
                CHECK_TEXT(back, cases[i][0]);
        }
        CHECK_NUMBER(unit_name_unescape("a\\x0", &s), -EINVAL);
        CHECK_NUMBER(unit_name_unescape("a\\x00", &s), -EINVAL);
        CHECK_NUMBER(unit_name_unescape("a b", &s), -EINVAL);

        CHECK_NUMBER(unit_name_for_guest("web-1", &s), 0);
        CHECK_TEXT(s, "vm@web\\x2d1.service");
        free(s);

        memset(long_name, 'a', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        CHECK_NUMBER(unit_name_for_guest(long_name, &s), -ENAMETOOLONG);
        return 0;
}
