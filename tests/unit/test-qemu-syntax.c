/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "launcher/qemu/qemu-syntax.h"
#include "tests/unit/test.h"

static Strings make(const char *const *words)
{
        Strings s = { 0 };

        for (; *words; words++)
                CHECK_NUMBER(strings_add(&s, *words), 0);
        return s;
}

static void expect_rtc(const char *before, int64_t offset, const char *after)
{
        Strings s = make((const char *[]){ "qemu", "-name", "base=utc", "-rtc", before, "-S", NULL });

        CHECK_NUMBER(qemu_syntax_rtc(&s, offset, 1234567890), 0);
        CHECK_TEXT(s.items[2], "base=utc");
        CHECK_TEXT(s.items[4], after);
        strings_done(&s);
}

static void test_rtc(void)
{
        Strings s = make((const char *[]){ "qemu", "-rtc", "base=utcx", "-rtc", NULL });

        CHECK_NUMBER(setenv("TZ", "VMT-01:00", 1), 0);
        expect_rtc("base=utc", 123456, "base=2009-02-15T09:49:06");
        expect_rtc("base=utc,clock=vm,driftfix=slew", -1, "base=2009-02-13T23:31:29,clock=vm,driftfix=slew");
        expect_rtc("base=localtime", 60, "base=2009-02-14T00:32:30");
        CHECK_NUMBER(qemu_syntax_rtc(&s, 1, 0), -ENOENT);
        CHECK_NUMBER(strings_add(&s, "base=utc"), 0);
        CHECK_NUMBER(qemu_syntax_rtc(&s, INT64_C(1) << 40, 0), -ERANGE);
        CHECK_TEXT(s.items[4], "base=utc");
        strings_done(&s);
}

/* a comma that is doubled is part of the path */
static const char path[] = "socket,id=a,path=/x,,reconnect-ms=7";

static void expect_reconnect(const char *before, QemuVersion version, const char *after)
{
        Strings s = make((const char *[]){ "qemu", "-name", "x,reconnect-ms=1", "-chardev", before, NULL });

        CHECK(qemu_syntax_needs_version(&s) == (strstr(before, ",reconnect-ms=") != NULL && before != path));
        CHECK_NUMBER(qemu_syntax_to_version(&s, version), 0);
        CHECK_TEXT(s.items[2], "x,reconnect-ms=1");
        CHECK_TEXT(s.items[4], after);
        strings_done(&s);
}

static void test_reconnect(void)
{
        static const QemuVersion old = { 9, 1 }, new = { 9, 2 }, newer = { 10, 0 };
        static const char text[] = "socket,id=a,host=b,reconnect-ms=1001,tls-creds=c";

        expect_reconnect(text, new, text);
        expect_reconnect(text, newer, text);
        expect_reconnect(text, old, "socket,id=a,host=b,reconnect=2,tls-creds=c");
        expect_reconnect("socket,host=b,reconnect-ms=5000", old, "socket,host=b,reconnect=5");
        expect_reconnect(path, old, path);
        expect_reconnect("socket,path=/host,,,reconnect-ms=7", old, "socket,path=/host,,,reconnect=1");
}

static void test_version(void)
{
        QemuVersion v = { 0 };

        CHECK_NUMBER(
                qemu_version_parse("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright", &v), 0);
        CHECK_NUMBER(v.major, 7);
        CHECK_NUMBER(v.minor, 2);
        CHECK_NUMBER(qemu_version_parse("QEMU emulator version 10.0.2", &v), 0);
        CHECK_NUMBER(v.major, 10);
        CHECK_NUMBER(qemu_version_parse("", &v), -EINVAL);
        CHECK_NUMBER(qemu_version_parse("QEMU emulator version X", &v), -EINVAL);
        CHECK_NUMBER(v.major, 10);
        CHECK_NUMBER(qemu_version_ask("/bin/echo", &v), -ENODATA);
}

int main(void)
{
        test_rtc();
        test_reconnect();
        test_version();
        return 0;
}
