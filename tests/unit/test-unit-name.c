/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "tests/unit/test.h"
#include "util/text.h"
#include "util/unit-name.h"

/* What has a backslash on the right-hand side is what systemd-escape(1) prints; no two are alike. */
static const char *const cases[][2] = {
        { "demo", "demo" },
        { "web-1", "web-1" },
        { "-x", "-x" },
        { "x@y", "x@y" },
        { "a:b_c.d", "a:b_c.d" },
        { "web.service", "web.service" },
        { "web 1", "web\\x201" },
        { "web\\x2d1", "web\\x5cx2d1" },
        { "my guest-1", "my\\x20guest\\x2d1" },
        { "x@y%z", "x\\x40y\\x25z" },
        { "a$b", "a\\x24b" },
        { "it's", "it\\x27s" },
        { "gr\xc3\xbc\xc3\x9f", "gr\\xc3\\xbc\\xc3\\x9f" },
};

static void test_both_ways(void)
{
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(freep) char *instance = unit_name_instance(cases[i][0]), *back = NULL;

                CHECK_TEXT(instance, cases[i][1]);
                CHECK_NUMBER(unit_name_guest(instance, &back), 1);
                CHECK_TEXT(back, cases[i][0]);
        }
}

/* Every name of three bytes comes back, and so no two of them share an instance. */
static void test_every_byte(void)
{
        char name[4] = "";

        for (unsigned a = 1; a < 256; a++)
                for (unsigned b = 1; b < 256; b++) {
                        _cleanup_(freep) char *instance = NULL, *back = NULL;

                        if (a == '/' || b == '/')
                                continue;
                        memcpy(name, (char[]){ (char) a, (char) b, 'x', '\0' }, sizeof(name));
                        instance = unit_name_instance(name);
                        if (!guest_name_is_valid(name)) {
                                CHECK_NUMBER(unit_name_guest(instance, &back), -EINVAL);
                                CHECK(a < 0x20 || b < 0x20 || a >= 0x7f || b >= 0x7f || a == '.');
                                continue;
                        }
                        CHECK_NUMBER(unit_name_guest(instance, &back), 1);
                        CHECK_TEXT(back, name);
                }
}

/* What systemd-escape(1) makes of a name that needs none of it, and somebody typed. */
static void test_escaped_in_vain(void)
{
        static const char *const instances[][2] = { { "web\\x2d1", "web-1" }, { "x\\x40y", "x@y" } };

        for (size_t i = 0; i < ELEMENTS(instances); i++) {
                _cleanup_(freep) char *name = NULL;

                CHECK_NUMBER(unit_name_guest(instances[i][0], &name), 0);
                CHECK_TEXT(name, instances[i][1]);
        }
}

static void test_no_guest(void)
{
        static const char *const instances[] = {
                "",
                ".x",
                "a b",
                "a/b",
                "a\\",
                "a\\x0",
                "a\\x00",
                "a\\x2fb",
                "a\\x2Fb",
                "a-b\\x20c",
                "a\\x20@b",
                "a\\y",
                "a\\x20b c",
                ".",
                "..",
                "\\x2e",
                "\\x2e.",
                "\\x2e\\x2e",
                ".\\x2e",
                "\\x2ehidden.x",
                "\\x2f",
                "\\x2e.\\x2fa",
                "\\x0a",
                "a\\x7f",
                "a\\x1b",
                "\\xff",
                "\\xc0\\xae",
                "a\\xc3",
                "\\xed\\xa0\\x80",
                "\\xc2\\x85",
        };
        char *name = NULL;

        for (size_t i = 0; i < ELEMENTS(instances); i++)
                CHECK_NUMBER(unit_name_guest(instances[i], &name), -EINVAL);
        CHECK(!name);
}

static void test_names(void)
{
        static const char *const good[] = {
                "a", "web-1", "-x", "a.", "a..b", "a b", "~", "\xc3\xa4", "\xf0\x9f\x98\x80", "\xc2\xa0"
        };
        static const char *const bad[] = {
                "",
                ".",
                "..",
                "...",
                ".x",
                "/",
                "a/b",
                "a/",
                "../x",
                "a\nb",
                "\x01",
                "a\x7f",
                "\xff",
                "a\xc3",
                "\xc3(",
                "\xc0\xae",
                "\xe0\x80\xae",
                "\xed\xa0\x80",
                "\xc2\x9b",
                "\xf4\x90\x80\x80",
                "\xe2\x82",
        };
        char name[512];

        for (size_t i = 0; i < ELEMENTS(good); i++)
                CHECK(guest_name_is_valid(good[i]));
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                CHECK(!guest_name_is_valid(bad[i]));
        for (size_t n = 1; n < sizeof(name); n++) {
                memset(name, 'a', n);
                name[n] = '\0';
                CHECK_NUMBER(guest_name_is_valid(name), n + strlen("vm@.service") <= 255);
        }
}

static void test_unit(void)
{
        char long_name[300];
        char *s = NULL;

        CHECK_NUMBER(unit_name_for_guest("web-1", &s), 0);
        CHECK_TEXT(s, "vm@web-1.service");
        free(s);

        memset(long_name, 'a', sizeof(long_name));
        long_name[255 - strlen("vm@.service")] = '\0';
        CHECK_NUMBER(unit_name_for_guest(long_name, &s), 0);
        CHECK_NUMBER(strlen(s), 255);
        free(s);
        long_name[255 - strlen("vm@.service")] = 'a';
        long_name[256 - strlen("vm@.service")] = '\0';
        CHECK_NUMBER(unit_name_for_guest(long_name, &s), -ENAMETOOLONG);
}

int main(void)
{
        test_both_ways();
        test_every_byte();
        test_escaped_in_vain();
        test_no_guest();
        test_names();
        test_unit();
        return 0;
}
