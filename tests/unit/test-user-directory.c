/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "util/user-directory.h"

#include <pwd.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "util/text.h"

static void check(UserDirectory which, const char *expected)
{
        _cleanup_(freep) char *directory = user_directory(which);

        CHECK_TEXT(directory, expected);
}

static void test_environment(void)
{
        CHECK(setenv("HOME", "/h", 1) == 0 && setenv("XDG_CONFIG_HOME", "/c", 1) == 0);
        CHECK(setenv("XDG_RUNTIME_DIR", "/r", 1) == 0);
        check(USER_HOME, "/h");
        check(USER_CONFIG, "/c");
        check(USER_RUN, "/r");
}

/* What is no absolute path is as if it were not there. */
static void test_without(void)
{
        _cleanup_(freep) char *run = text_format("/run/user/%u", (unsigned) getuid());
        const struct passwd *entry = getpwuid(getuid());

        CHECK(unsetenv("XDG_RUNTIME_DIR") == 0 && setenv("XDG_CONFIG_HOME", "relative", 1) == 0);
        check(USER_CONFIG, "/h/.config");
        check(USER_RUN, run);
        CHECK(unsetenv("HOME") == 0);
        if (entry)
                check(USER_HOME, entry->pw_dir);
}

int main(void)
{
        test_environment();
        test_without();
        return EXIT_SUCCESS;
}
