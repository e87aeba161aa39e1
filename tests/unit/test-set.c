/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "guest/xml/set.h"
#include "tests/unit/test.h"

static void check(const char *text, const char *expected, unsigned count)
{
        Set set;
        char *formatted;

        CHECK_NUMBER(set_parse(text, &set), 0);
        CHECK_NUMBER(set_count(&set), count);
        formatted = set_format(&set);
        CHECK_TEXT(formatted, expected);
        free(formatted);
}

static void test_good(void)
{
        check("0", "0", 1);
        check("0-3", "0-3", 4);
        check("0-3,^2,7", "0-1,3,7", 4);
        check(" 5 , 4,\n3 - 4", "3-5", 3);
        check("1-4,8-20,525", "1-4,8-20,525", 18);
        check("0,^0", "", 0);
        check("63-64,16383", "63-64,16383", 3);
}

static void test_bad(void)
{
        Set set = { .set = false };

        for (const char **bad = (const char *[]){ "", ",", "a", "1-", "-1", "3-2", "1,", "^", "^1-2", "1;2",
                                                  "1 2", NULL };
             *bad; bad++)
                CHECK_NUMBER(set_parse(*bad, &set), -EINVAL);
        CHECK_NUMBER(set_parse("16384", &set), -ERANGE);
        CHECK_NUMBER(set_parse("0-99999999999999999999", &set), -ERANGE);
        CHECK(!set.set);
}

static void test_several(void)
{
        Set a, b;

        CHECK_NUMBER(set_parse("0-3", &a), 0);
        CHECK_NUMBER(set_parse("4,100", &b), 0);
        CHECK(!set_overlaps(&a, &b));
        set_join(&a, &b);
        CHECK(set_overlaps(&a, &b));
        CHECK_NUMBER(set_last(&a), 100);
        CHECK_NUMBER(set_count(&a), 6);
        CHECK(!set_has(&a, SET_MAX));
}

int main(void)
{
        test_good();
        test_bad();
        test_several();
        return 0;
}
