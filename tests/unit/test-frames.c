/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "launcher/stream/frames.h"
#include "tests/unit/test.h"
#include "util/text.h"

/* Feeds data in pieces of that size; what comes out is joined by '|'. Negative errno when the reader gives
 * up. */
static int feed(Frames *f, const char *data, size_t size, size_t piece, Strings *got)
{
        for (size_t at = 0; at < size;) {
                size_t room, n = size - at < piece ? size - at : piece;
                char *to, *frame;
                int r;

                r = frames_prepare(f, &to, &room);
                if (r < 0)
                        return r;
                CHECK(room > 0);
                n = n < room ? n : room;
                memcpy(to, data + at, n);
                frames_received(f, n);
                at += n;
                while (frames_next(f, &frame, &room)) {
                        CHECK_NUMBER(strlen(frame), room);
                        CHECK_NUMBER(strings_add(got, frame), 0);
                }
        }
        return 0;
}

static void test_pieces(void)
{
        for (size_t piece = 1; piece < 16; piece++) {
                Frames f = { .end = '\n', .max = 10 };
                Strings got = { 0 };

                CHECK_NUMBER(feed(&f, "one\n\ntwo\nthree", 14, piece, &got), 0);
                CHECK_NUMBER(got.count, 3);
                CHECK_TEXT(got.items[0], "one");
                CHECK_TEXT(got.items[1], "");
                CHECK_TEXT(got.items[2], "two");
                CHECK_NUMBER(feed(&f, "\n", 1, piece, &got), 0);
                CHECK_TEXT(got.items[3], "three");
                strings_done(&got);
                frames_done(&f);
        }
}

static void test_limit(void)
{
        char data[20000];
        Frames f = { .end = '\0', .max = 10000 };
        Strings got = { 0 };

        memset(data, 'x', sizeof(data));
        CHECK_NUMBER(feed(&f, data, sizeof(data), 100, &got), -EMSGSIZE);
        CHECK_NUMBER(got.count, 0);
        frames_done(&f);

        data[9999] = '\0';
        CHECK_NUMBER(feed(&f, data, 10000, 7, &got), 0);
        CHECK_NUMBER(got.count, 1);
        strings_done(&got);
        frames_done(&f);
}

int main(void)
{
        test_pieces();
        test_limit();
        return 0;
}
