/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdbool.h>

#include "contract/arguments.h"
#include "launcher/run/run-options.h"
#include "tests/unit/test.h"

typedef struct Target {
        const char *guest, *path;
        char uuid[37];
        unsigned number;
        bool flag;
        Strings list;
} Target;

static const Argument table[] = {
        { "guest", "a guest's name", argument_guest, offsetof(Target, guest), ARGUMENT_REQUIRED },
        { "path", "a path", argument_path, offsetof(Target, path), 0 },
        { "uuid", "a UUID", argument_uuid, offsetof(Target, uuid), 0 },
        { "number", "a number", argument_unsigned, offsetof(Target, number), 0 },
        { "flag", NULL, argument_switch, offsetof(Target, flag), ARGUMENT_SWITCH },
        { "list", "a word", argument_strings, offsetof(Target, list), ARGUMENT_REPEATED },
};

#define READ(target, rest, ...)                                                                          \
        ({                                                                                               \
                static char *argv_[] = { (char *) "verb", __VA_ARGS__, NULL }; /* rest points into it */ \
                arguments_read(table, ELEMENTS(table), target, (int) ELEMENTS(argv_) - 1, argv_, rest);  \
        })

static void test_good(void)
{
        Target t = { 0 };
        char **rest = NULL;

        CHECK_NUMBER(
                READ(&t, &rest, "--list=a", "--guest=web 1", "--path=/a=b", "--number=7", "--flag",
                     "--list=b", "--", "--guest=x", "y"),
                0);
        CHECK_TEXT(t.guest, "web 1");
        CHECK_TEXT(t.path, "/a=b");
        CHECK_NUMBER(t.number, 7);
        CHECK(t.flag);
        CHECK_NUMBER(t.list.count, 2);
        CHECK_TEXT(rest[0], "--guest=x");
        CHECK(!rest[2]);
        strings_done(&t.list);
        CHECK_NUMBER(READ(&t, &rest, "--guest=a"), 0);
        CHECK(!rest[0]);
}

static void test_bad(void)
{
        Target t = { 0 };
        char **rest;

        CHECK_NUMBER(READ(&t, NULL, "--path=/a"), -EINVAL); /* --guest is missing */
        CHECK_NUMBER(READ(&t, NULL, "--guest=a", "--guest=b"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=a", "--nothing=1"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest="), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=."), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=.."), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=../x"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=a\nb"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=\xff"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--gues=a"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=a", "--flag=yes"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=a", "--number=4294967296"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=a", "--path=relative"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=a", "--uuid=x"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=a", "word"), -EINVAL);
        CHECK_NUMBER(READ(&t, NULL, "--guest=a", "--", "word"), -EINVAL); /* nothing may follow */
        CHECK_NUMBER(READ(&t, &rest, "-guest=a"), -EINVAL);
}

static void test_list(void)
{
        _cleanup_(freep) char *owner = NULL, *other = NULL;
        Target t = { 0 };

        CHECK_NUMBER(arguments_read_list(table, ELEMENTS(table), &t, "guest=a,number=3,flag", &owner), 0);
        CHECK_TEXT(t.guest, "a");
        CHECK_NUMBER(t.number, 3);
        CHECK_NUMBER(arguments_read_list(table, ELEMENTS(table), &t, "guest=a,,number=3", &other), -EINVAL);
}

#define UUID "--uuid=c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define RUN(...)                                                                          \
        ({                                                                                \
                char *argv_[] = { (char *) "run", "--guest=a", UUID, __VA_ARGS__, NULL }; \
                RunOptions o_ = { 0 };                                                    \
                int r_ = run_options_read(&o_, (int) ELEMENTS(argv_) - 1, argv_);         \
                if (r_ >= 0)                                                              \
                        run_options_done(&o_);                                            \
                r_;                                                                       \
        })

static void test_run_options(void)
{
        CHECK_NUMBER(
                RUN("--monitor=10", "--console=console:11", "--fd=tap.hostnet0.0:12",
                    "--on-crash=coredump-restart", "--", "/q"),
                0);
        CHECK_NUMBER(
                RUN("--monitor=10", "--console=console:10", "--", "/q"), -EINVAL); /* one number for two */
        CHECK_NUMBER(RUN("--monitor=10", "--fd=a:11", "--try-fd=b:11", "--", "/q"), -EINVAL);
        CHECK_NUMBER(RUN("--monitor=2", "--", "/q"), -EINVAL); /* stderr */
        CHECK_NUMBER(RUN("--monitor=10", "--fd=a:99999", "--", "/q"), -EINVAL);
        CHECK_NUMBER(
                RUN("--monitor=10", "--console=console:11", "--console=console:12", "--", "/q"), -EINVAL);
        for (char **bad = (char *[]){ "--console=../x:11", "--console=.x:11", "--console=control:11",
                                      "--console=:11", "--console=a b:11", NULL };
             *bad; bad++)
                CHECK_NUMBER(RUN("--monitor=10", *bad, "--", "/q"), -EINVAL);
        CHECK_NUMBER(RUN("--monitor=10", "--on-reboot=coredump-restart", "--", "/q"), -EINVAL);
        CHECK_NUMBER(RUN("--monitor=10", "--", "qemu"), -EINVAL); /* no path */
        CHECK_NUMBER(RUN("--monitor=10"), -EINVAL);
        CHECK_NUMBER(
                RUN("--monitor=10", "--balloon=1048576", "--affinity=vcpu.0:1", "--affinity=vcpu.1:1", "--",
                    "/q"),
                0);
        CHECK_NUMBER(RUN("--monitor=10", "--balloon=-1", "--", "/q"), -EINVAL);
        CHECK_NUMBER(RUN("--monitor=10", "--affinity=vcpu.0:1", "--affinity=vcpu.0:2", "--", "/q"), -EINVAL);
        CHECK_NUMBER(RUN("--monitor=10", "--rtc-offset=-123456", "--", "/q"), 0);
        CHECK_NUMBER(RUN("--monitor=10", "--rtc-offset=--1", "--", "/q"), -EINVAL);
        CHECK_NUMBER(RUN("--monitor=10", "--rtc-offset=2147483648", "--", "/q"), -EINVAL);
}

int main(void)
{
        test_good();
        test_bad();
        test_list();
        test_run_options();
        return 0;
}
