/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdlib.h>

#include "launcher/grant/acl.h"
#include "tests/unit/test.h"
#include "util/ownership.h"

#define ENTRY(tag, permissions, id) tag, 0, permissions, 0, (id) &0xff, (id) >> 8 & 0xff, 0, 0
#define NO_ID(tag, permissions)     tag, 0, permissions, 0, 0xff, 0xff, 0xff, 0xff
#define VERSION                     2, 0, 0, 0

static void check_list(const uint8_t *expected, size_t expected_size, const uint8_t *acl, size_t size)
{
        CHECK_NUMBER(size, expected_size);
        CHECK(memcmp(acl, expected, size) == 0);
}

static void test_mode(void)
{
        static const uint8_t listed[] = { VERSION,     NO_ID(1, 6),    ENTRY(2, 4, 300),
                                          NO_ID(4, 0), NO_ID(0x10, 4), NO_ID(0x20, 0) };
        _cleanup_(freep) uint8_t *acl = NULL;
        size_t size;

        CHECK_NUMBER(acl_add_reader(NULL, 0, 0600, 300, &acl, &size), 0);
        check_list(listed, sizeof(listed), acl, size);
}

static void test_list(void)
{
        static const uint8_t before[] = { VERSION,          NO_ID(1, 6),      ENTRY(2, 7, 100),
                                          ENTRY(2, 0, 300), ENTRY(2, 6, 400), NO_ID(4, 6),
                                          ENTRY(8, 2, 5),   NO_ID(0x10, 2),   NO_ID(0x20, 4) };
        static const uint8_t after[] = { VERSION,          NO_ID(1, 6),      ENTRY(2, 7, 100),
                                         ENTRY(2, 4, 300), ENTRY(2, 6, 400), NO_ID(4, 6),
                                         ENTRY(8, 2, 5),   NO_ID(0x10, 6),   NO_ID(0x20, 4) };
        static const uint8_t without[] = { VERSION,     NO_ID(1, 6),    ENTRY(2, 7, 100), ENTRY(2, 6, 400),
                                           NO_ID(4, 6), ENTRY(8, 2, 5), NO_ID(0x10, 6),   NO_ID(0x20, 4) };
        _cleanup_(freep) uint8_t *acl = NULL, *rest = NULL;
        size_t size, rest_size;

        CHECK_NUMBER(acl_add_reader(before, sizeof(before), 0664, 300, &acl, &size), 0);
        check_list(after, sizeof(after), acl, size);
        CHECK_NUMBER(acl_drop_user(acl, size, 300, &rest, &rest_size), 0);
        check_list(without, sizeof(without), rest, rest_size);
}

/* In whichever order guests start and stop, the list is the same. */
static void test_readers(void)
{
        static const uid_t users[] = { 400, 300 };
        static const uint8_t listed[] = { VERSION,     NO_ID(1, 6),    ENTRY(2, 4, 300), ENTRY(2, 4, 400),
                                          NO_ID(4, 4), NO_ID(0x10, 4), NO_ID(0x20, 0) },
                             rest_of_it[] = { VERSION, NO_ID(1, 6), NO_ID(4, 4), NO_ID(0x10, 4),
                                              NO_ID(0x20, 0) };
        _cleanup_(freep) uint8_t *acl = NULL, *rest = NULL;
        size_t size, rest_size;

        CHECK_NUMBER(acl_add_readers(NULL, 0, 0640, users, 2, &acl, &size), 0);
        check_list(listed, sizeof(listed), acl, size);
        CHECK_NUMBER(acl_drop_users(acl, size, users, 2, &rest, &rest_size), 0);
        check_list(rest_of_it, sizeof(rest_of_it), rest, rest_size);
}

static void test_bad(void)
{
        static const uint8_t other_version[] = { 3, 0, 0, 0, NO_ID(1, 6) },
                             no_end[] = { VERSION, NO_ID(1, 6) };
        uint8_t *acl = NULL;
        size_t size;

        CHECK_NUMBER(acl_add_reader(other_version, sizeof(other_version), 0, 1, &acl, &size), -EBADMSG);
        CHECK_NUMBER(acl_add_reader(no_end, sizeof(no_end), 0, 1, &acl, &size), -EBADMSG);
        CHECK_NUMBER(acl_add_reader(no_end, sizeof(no_end) - 1, 0, 1, &acl, &size), -EBADMSG);
        CHECK_NUMBER(acl_drop_user(no_end, 4, 1, &acl, &size), -EBADMSG);
        CHECK(!acl);
}

int main(void)
{
        test_mode();
        test_list();
        test_readers();
        test_bad();
        return 0;
}
