/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as the beginning of an image. Accepted headers must contain NUL-terminated text, and the same
 * bytes must give the same result. */

#include "launcher/errand/qcow2.h"
#include "tests/unit/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Qcow2Header a, b;
        int r;

        memset(&a, 0x55, sizeof(a));
        memset(&b, 0xaa, sizeof(b));
        r = qcow2_read_header(data, size, &a);
        CHECK_NUMBER(qcow2_read_header(data, size, &b), r);
        if (r < 0) {
                CHECK(a.format[0] == 0x55); /* untouched */
                return 0;
        }
        CHECK(memchr(a.backing, '\0', sizeof(a.backing)) && memchr(a.format, '\0', sizeof(a.format)));
        CHECK_TEXT(a.backing, b.backing);
        CHECK_TEXT(a.format, b.format);
        CHECK_NUMBER(a.data_file, b.data_file);
        return 0;
}
