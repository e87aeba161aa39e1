/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launcher/stream/lines.h"
#include "tests/unit/test.h"
#include "util/rate-limit.h"
#include "util/text.h"

static void emit(const char *text, size_t size, void *userdata)
{
        _cleanup_(freep) char *copy = strndup(text, size);

        CHECK_NUMBER(strlen(copy), size);
        CHECK_NUMBER(strings_add(userdata, copy), 0);
}

/* However the stream is cut, the lines are the same. */
static void expect_sized(const char *data, size_t size, const char *const *lines)
{
        for (size_t piece = 1; piece <= size; piece++) {
                Strings got = { 0 };
                Lines l = { 0 };
                size_t i = 0;

                for (size_t at = 0; at < size; at += piece)
                        lines_feed(&l, data + at, size - at < piece ? size - at : piece, emit, &got);
                lines_flush(&l, emit, &got);
                for (; lines[i]; i++) {
                        CHECK(i < got.count);
                        CHECK_TEXT(got.items[i], lines[i]);
                }
                CHECK_NUMBER(got.count, i);
                strings_done(&got);
        }
}

static void expect(const char *data, const char *const *lines)
{
        expect_sized(data, strlen(data), lines);
}

static void test_lines(void)
{
        expect("one\ntwo\r\n\r\n  \nthree\rfour", (const char *[]){ "one", "two", "three", "four", NULL });
        expect("\ttab  \nlogin: ", (const char *[]){ "\ttab", "login:", NULL });
        expect_sized(
                "a\0b\x01\x08\x7f"
                "c\n",
                8, (const char *[]){ "abc", NULL });
}

static void test_escapes(void)
{
        expect("\033[1;31mred\033[0m \033[2J\033[Hhome\033(B\n", (const char *[]){ "red home", NULL });
        expect("a\033]0;title\007b\033]52;c;AAAA\033\\c\033Pq#0\033\\d\n", (const char *[]){ "abcd", NULL });
        expect("\033c\0337\033=x\n", (const char *[]){ "x", NULL });
        expect("\033[1\nnext\n", (const char *[]){ "next", NULL }); /* a line's end ends a sequence too */
        expect("\xc2\x9b"
               "31mx\xc2\x85y\n",
               (const char *[]){ "31mxy", NULL }); /* C1 controls */
        expect("a\xe2\x80\xae"
               "b\xe2\x81\xa6"
               "c\n",
               (const char *[]){ "abc", NULL });
}

static void test_characters(void)
{
        expect("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7\n",
               (const char *[]){ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7", NULL });
        expect("a\xff"
               "b\x80"
               "c\n",
               (const char *[]){ "a\xef\xbf\xbd"
                                 "b\xef\xbf\xbd"
                                 "c",
                                 NULL });
        expect("\xc3(\n", (const char *[]){ "(", NULL }); /* a broken one does not swallow what follows */
        expect("\xe0\x80\x80x\n", (const char *[]){ "\xef\xbf\xbdx", NULL }); /* overlong */
        expect("\xed\xa0\x80x\n", (const char *[]){ "\xef\xbf\xbdx", NULL }); /* a surrogate */
        expect("\xc0\xafx\n", (const char *[]){ "\xef\xbf\xbd\xef\xbf\xbdx", NULL });
        expect("\xf4\x90\x80\x80x\n", (const char *[]){ "\xef\xbf\xbdx", NULL }); /* beyond Unicode */
}

static void test_long_lines(void)
{
        char data[3 * CONSOLE_LINE_MAX];
        Strings got = { 0 };
        Lines l = { 0 };

        memset(data, 'x', sizeof(data));
        lines_feed(&l, data, sizeof(data), emit, &got);
        CHECK_NUMBER(got.count, 2);
        CHECK_NUMBER(strlen(got.items[0]), CONSOLE_LINE_MAX);
        lines_flush(&l, emit, &got);
        CHECK_NUMBER(got.count, 3);
        strings_done(&got);

        /* an escape sequence that never ends does not silence the console for ever */
        memset(data, '1', sizeof(data));
        memcpy(data, "\033[", 2);
        lines_feed(&l, data, sizeof(data), emit, &got);
        CHECK(got.count > 0);
        strings_done(&got);
}

static void test_text(void)
{
        char text[8];

        sanitize_text("a\nb\t\x1b[1mc", 9, text, sizeof(text));
        CHECK_TEXT(text, "a b c");
        sanitize_text(
                "abcdef\xc3\xbc", 8, text,
                sizeof(text)); /* cut before a character that does not fit whole */
        CHECK_TEXT(text, "abcdef");
        sanitize_text("", 0, text, 1);
        CHECK_TEXT(text, "");
}

static void test_rate_limit(void)
{
        RateLimit l = { .interval = 1000, .things_max = 2, .bytes_max = 100 };

        CHECK(rate_limit_pass(&l, 5000, 10) && rate_limit_pass(&l, 5001, 10) &&
              !rate_limit_pass(&l, 5002, 10));
        CHECK_NUMBER(rate_limit_take_suppressed(&l, 5999), 0);
        CHECK_NUMBER(rate_limit_take_suppressed(&l, 6000), 1);
        CHECK_NUMBER(rate_limit_take_suppressed(&l, 6000), 0);
        CHECK(rate_limit_pass(&l, 6000, 90) && !rate_limit_pass(&l, 6001, 90) &&
              rate_limit_pass(&l, 6002, 10));
}

int main(void)
{
        test_lines();
        test_escapes();
        test_characters();
        test_long_lines();
        test_text();
        test_rate_limit();
        return 0;
}
