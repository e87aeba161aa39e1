/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launcher/helper/register.h"
#include "tests/unit/test.h"

#define UUID "00000000-0000-4000-8000-000000000001"

static void test_kept(void)
{
        static const char *const names[] = { "demo", "web-1", "a.b", "Win10", "1", "x", "a--b" };
        char name[MACHINE_NAME_MAX + 1], longest[MACHINE_NAME_MAX + 2];

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                register_machine_name(names[i], UUID, name);
                CHECK_TEXT(name, names[i]);
        }
        memset(longest, 'a', sizeof(longest));
        longest[MACHINE_NAME_MAX] = '\0';
        register_machine_name(longest, UUID, name);
        CHECK_TEXT(name, longest);
}

static void check_changed(const char *guest, const char *start)
{
        char name[MACHINE_NAME_MAX + 1], other[MACHINE_NAME_MAX + 1], again[MACHINE_NAME_MAX + 1];
        size_t n = strlen(start);

        register_machine_name(guest, UUID, name);
        register_machine_name(guest, UUID, again);
        register_machine_name(guest, "00000000-0000-4000-8000-000000000002", other);
        CHECK_TEXT(again, name);
        CHECK(strncmp(name, start, n) == 0);
        CHECK_NUMBER(name[n], '-');
        CHECK_NUMBER(strspn(name + n + 1, "0123456789abcdef"), 8);
        CHECK_NUMBER(strlen(name), n + 9);
        CHECK(strlen(name) <= MACHINE_NAME_MAX);
        CHECK(strcmp(name, other) != 0);
}

static void test_changed(void)
{
        char longer[MACHINE_NAME_MAX + 2], start[MACHINE_NAME_MAX - 8];

        check_changed("win10 test", "win10-test");
        check_changed("-x", "x");
        check_changed("x-", "x");
        check_changed("a_b", "a-b");
        check_changed("a-.b", "a.b");
        check_changed("a..b", "a.b");
        check_changed("\xd1\x81\xd0\xb5\xd1\x80\xd0\xb2\xd0\xb5\xd1\x80", "x");
        check_changed("\xe3\x82\xb2\xe3\x82\xb9\xe3\x83\x88", "x");
        memset(longer, 'a', sizeof(longer));
        longer[MACHINE_NAME_MAX + 1] = '\0';
        memset(start, 'a', sizeof(start));
        start[MACHINE_NAME_MAX - 9] = '\0';
        check_changed(longer, start);
}

int main(void)
{
        test_kept();
        test_changed();
        return 0;
}
