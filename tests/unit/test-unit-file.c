/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "generator/unit/unit-file.h"
#include "tests/unit/test.h"

static char *finish(UnitFile *u)
{
        char *text;
        size_t size;

        CHECK_NUMBER(unit_file_finish(u, &text, &size), 0);
        CHECK_NUMBER(strlen(text), size);
        return text;
}

static void test_command(void)
{
        _cleanup_(freep) char *text = NULL;
        Strings argv = { 0 };
        UnitFile u;

        for (const char **word =
                     (const char *[]){ "/bin/x", "plain", "", "two words", "50%", "$HOME", "a\nb",
                                       "{\"driver\":\"x\"}", "it's \"both\"", "back\\slash", ";", NULL };
             *word; word++)
                CHECK_NUMBER(strings_add(&argv, *word), 0);
        CHECK_NUMBER(unit_file_start(&u), 0);
        unit_command(&u, "ExecStart", "+", &argv);
        text = finish(&u);
        CHECK_TEXT(
                text, "ExecStart=+/bin/x plain \"\" \"two words\" \"50%%\" \"$$HOME\" \"a\\x0ab\" "
                      "'{\"driver\":\"x\"}' \"it's \\\"both\\\"\" \\\n"
                      "        \"back\\\\slash\" \";\"\n");
        unit_file_done(&u);
        strings_done(&argv);
}

static void test_long_command(void)
{
        _cleanup_(freep) char *text = NULL;
        Strings argv = { 0 };
        UnitFile u;

        CHECK_NUMBER(strings_add(&argv, "/bin/x"), 0);
        for (unsigned i = 0; i < 8; i++) {
                CHECK_NUMBER(strings_add(&argv, "-device"), 0);
                CHECK_NUMBER(strings_add(&argv, "a-value-of-some-length"), 0);
        }
        CHECK_NUMBER(unit_file_start(&u), 0);
        unit_command(&u, "ExecStart", "", &argv);
        text = finish(&u);
        /* an option and its value stay together */
        CHECK(strstr(text, " \\\n        -device a-value-of-some-length"));
        CHECK(!strstr(text, "-device \\\n"));
        unit_file_done(&u);
        strings_done(&argv);
}

/* systemd would take none of it. */
static void test_endless_command(void)
{
        static char word[64 * 1024];
        Strings argv = { 0 };
        char *text;
        size_t size;
        UnitFile u;

        memset(word, 'x', sizeof(word) - 1);
        CHECK_NUMBER(strings_add(&argv, "/bin/x"), 0);
        for (unsigned i = 0; i < 17; i++)
                CHECK_NUMBER(strings_add(&argv, word), 0);
        CHECK_NUMBER(unit_file_start(&u), 0);
        unit_command(&u, "ExecStart", "", &argv);
        CHECK_NUMBER(unit_file_finish(&u, &text, &size), -E2BIG);
        unit_file_done(&u);
        strings_done(&argv);
}

static void test_words(void)
{
        _cleanup_(freep) char *text = NULL;
        UnitFile u;

        CHECK_NUMBER(unit_file_start(&u), 0);
        unit_bind(&u, "BindPaths", "/srv/plain.img");
        unit_bind(&u, "BindPaths", "-/srv/a b:c%d\"e\\f'.img");
        unit_word(&u, "Environment", "DISPLAY=:0", "");
        unit_word(&u, "DeviceAllow", "/dev/vg/lv", " rw");
        unit_plain(&u, "Description", "Guest 100% \"x\"");
        unit_comment(&u, "one\nExecStart=/bin/evil");
        unit_empty(&u, "ExecStart");
        text = finish(&u);
        CHECK_TEXT(
                text, "BindPaths=/srv/plain.img\nBindPaths=\"-/srv/a "
                      "b\\:c%%d\\\"e\\\\f'.img\"\nEnvironment=\"DISPLAY=:0\"\nDeviceAllow=/"
                      "dev/vg/lv rw\n"
                      "Description=Guest 100%% \"x\"\n# one?ExecStart=/bin/evil\nExecStart=\n");
        unit_file_done(&u);
}

/* What the syntax cannot say is an error, never something near it. */
static void test_inexpressible(void)
{
        for (const char **bad = (const char *[]){ "a\nExecStart=/bin/evil", "ends in \\", " starts blank",
                                                  "ends blank ", "", "tab\tinside", NULL };
             *bad; bad++) {
                char *text;
                size_t size;
                UnitFile u;

                CHECK_NUMBER(unit_file_start(&u), 0);
                unit_plain(&u, "Description", *bad);
                CHECK_NUMBER(unit_file_finish(&u, &text, &size), -EINVAL);
                unit_file_done(&u);
        }
        for (const char **bad = (const char *[]){ "/srv/a\nb", "", NULL }; *bad; bad++) {
                char *text;
                size_t size;
                UnitFile u;

                CHECK_NUMBER(unit_file_start(&u), 0);
                unit_word(&u, "BindPaths", *bad, "");
                CHECK_NUMBER(unit_file_finish(&u, &text, &size), -EINVAL);
                unit_file_done(&u);
        }
}

/* Each is split at blanks first and at colons then. */
static void test_directories(void)
{
        _cleanup_(freep) char *text = NULL;
        char *none;
        size_t size;
        UnitFile u;

        CHECK_NUMBER(unit_file_start(&u), 0);
        for (const char **path =
                     (const char *[]){ "vm/web-1", "vm/a:b", "vm/it's 50%", "vm/a b:c", "vm/c$d", NULL };
             *path; path++)
                unit_directory(&u, "RuntimeDirectory", *path);
        text = finish(&u);
        CHECK_TEXT(
                text, "RuntimeDirectory=vm/web-1\n"
                      "RuntimeDirectory=vm/a\\:b\n"
                      "RuntimeDirectory=\"vm/it\\'s 50%%\"\n"
                      "RuntimeDirectory=\"vm/a b\\:c\"\n"
                      "RuntimeDirectory=\"vm/c$d\"\n");
        unit_file_done(&u);

        for (const char **path = (const char *[]){ "vm/a\"b", "vm/a\\b", "vm/a\nb", NULL }; *path; path++) {
                CHECK_NUMBER(unit_file_start(&u), 0);
                unit_directory(&u, "RuntimeDirectory", *path);
                CHECK_NUMBER(unit_file_finish(&u, &none, &size), -EINVAL);
                unit_file_done(&u);
        }
}

int main(void)
{
        test_command();
        test_long_command();
        test_endless_command();
        test_words();
        test_inexpressible();
        test_directories();
        return 0;
}
