/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "contract/limits.h"
#include "launcher/ledger/record.h"
#include "tests/unit/test.h"
#include "util/text.h"

#define BOOT "0123456789abcdef0123456789abcdef"
#define START                    \
        "vmunit-grant=1\npath=/" \
        "d\ntype=file\nfilesystem=1\ninode=2\ndevice=0\nborn=0\nowner=0\ngroup=6\nmode=0640\n"

static int parse(const char *text, Record **ret)
{
        return record_parse(text, strlen(text), ret);
}

static void test_round_trip(void)
{
        _cleanup_(record_freep) Record *a = record_new(), *b = NULL;
        _cleanup_(freep) char *text = NULL, *again = NULL;
        size_t size, again_size;

        a->path = strdup("/srv/a b\n\\x\xc3\xbc.qcow2");
        a->identity = (Identity){
                .file_system = UINT64_MAX, .inode = 7, .device = 3, .born = 1700000000123456789
        };
        a->owner = 4294967294U;
        a->group = 6;
        a->mode = 0640;
        a->acl = malloc(3);
        memcpy(a->acl, "\x00\xff\x0a", 3);
        a->acl_size = 3;
        a->directory = (Identity){ .file_system = 77, .inode = 78, .born = 79 };
        a->handle = malloc(2);
        memcpy(a->handle, "\xfe\x01", 2);
        a->handle_size = 2;
        a->handle_type = 0x81;
        memcpy(a->pending, BOOT, sizeof(a->pending));
        a->granted = a->returning = true;
        a->granted_user = 107;
        CHECK_NUMBER(record_add_listed(a, 108), 0);
        CHECK_NUMBER(record_add_listed(a, 1879048192), 0);
        CHECK_NUMBER(record_add_listed(a, 108), 0);
        CHECK_NUMBER(
                record_add_holder(
                        a, &(Holder){ .guest = (char *) "my guest=1",
                                      .directory = (char *) "/run/vm/my\\x20guest",
                                      .mode = ACCESS_WRITE_SHARED,
                                      .user = 107,
                                      .boot = BOOT }),
                0);
        CHECK_NUMBER(
                record_add_holder(
                        a, &(Holder){ .guest = (char *) "b",
                                      .directory = (char *) "/run/vm/b",
                                      .user = 1,
                                      .boot = BOOT }),
                0);

        CHECK_NUMBER(record_format(a, &text, &size), 0);
        CHECK_NUMBER(record_parse(text, size, &b), 0);
        CHECK_TEXT(b->path, a->path);
        CHECK(memcmp(&a->identity, &b->identity, sizeof(a->identity)) == 0);
        CHECK(b->owner == 4294967294U && b->group == 6 && b->mode == 0640 && b->granted &&
              b->granted_user == 107 && b->returning);
        CHECK(b->acl_size == 3 && memcmp(b->acl, a->acl, 3) == 0);
        CHECK(b->directory.file_system == 77 && b->directory.inode == 78 && b->directory.born == 79 &&
              b->handle_size == 2 && memcmp(b->handle, a->handle, 2) == 0 && b->handle_type == 0x81);
        CHECK_TEXT(b->pending, BOOT);
        CHECK(b->n_listed == 2 && b->listed[0] == 108 && b->listed[1] == 1879048192);
        CHECK_NUMBER(b->n_holders, 2);
        CHECK_TEXT(b->holders[0].guest, "my guest=1");
        CHECK_TEXT(b->holders[0].directory, "/run/vm/my\\x20guest");
        CHECK_TEXT(b->holders[0].boot, BOOT);
        CHECK(b->holders[0].mode == ACCESS_WRITE_SHARED && b->holders[0].user == 107 &&
              b->holders[1].mode == ACCESS_READ);
        CHECK_NUMBER(record_format(b, &again, &again_size), 0);
        CHECK_TEXT(again, text);
}

static void test_holders(void)
{
        _cleanup_(record_freep) Record *record = record_new();
        Holder h = {
                .guest = (char *) "a", .directory = (char *) "/run/vm/a", .mode = ACCESS_READ, .boot = BOOT
        };

        CHECK_NUMBER(record_add_holder(record, &h), 0);
        h.mode = ACCESS_WRITE; /* the same guest has the file twice: the stronger counts */
        CHECK_NUMBER(record_add_holder(record, &h), 0);
        h.mode = ACCESS_READ;
        CHECK_NUMBER(record_add_holder(record, &h), 0);
        CHECK_NUMBER(record->n_holders, 1);
        CHECK_NUMBER(record->holders[0].mode, ACCESS_WRITE);
        for (unsigned i = 1; i < RECORD_HOLDERS_MAX; i++) {
                h.user = i;
                CHECK_NUMBER(record_add_holder(record, &h), 0);
        }
        h.user = RECORD_HOLDERS_MAX;
        CHECK_NUMBER(record_add_holder(record, &h), -E2BIG);
        record_remove_holder(record, 0);
        CHECK_NUMBER(record->holders[0].user, 1);
}

static void test_hostile(void)
{
        static const char *const bad[] = {
                "",
                "\n",
                "vmunit-grant=1\n",
                "vmunit-grant=2\npath=/d\n",
                START "owner=0\n", /* twice */
                START "nonsense=1\n",
                START "\n",
                START "granted=4294967295\n", /* would mean "leave the owner" */
                START "granted=-1\n",
                START "granted= 1\n",
                START "granted=1", /* cut off */
                START "returning=no\n",
                START "acl=\n",
                START "acl=0\n",
                START "acl=0g\n",
                START "handle=00000001\n", /* a type and no handle */
                START "handle=\n",
                START "pending=0123\n",
                START "holder=\n",
                START "holder=rw " BOOT " 1 guest\n",
                START "holder=rw " BOOT " 1 guest /d more\n",
                START "holder=rx " BOOT " 1 guest /d\n",
                START "holder=rw 0123 1 guest /d\n",
                START "holder=rw " BOOT " 1  /d\n",
                START "holder=rw " BOOT " 1 a\\x00b /d\n",
                START "holder=rw " BOOT " 1 a\\x4 /d\n",
                "vmunit-grant=1\npath=d\ntype=file\nfilesystem=1\ninode=2\ndevice=0\nborn=0\nowner=0\ngroup="
                "6\nmode=0640\n",
                "vmunit-grant=1\npath=/"
                "d\ntype=pipe\nfilesystem=1\ninode=2\ndevice=0\nborn=0\nowner=0\ngroup=6\nmode=0640\n",
                "vmunit-grant=1\npath=/"
                "d\ntype=file\nfilesystem=1\ninode=2\ndevice=0\nborn=0\nowner=0\ngroup=6\nmode=10640\n",
                "vmunit-grant=1\npath=/"
                "d\ntype=file\nfilesystem=1\ninode=2\ndevice=0\nborn=0\nowner=0\ngroup=6\nmode=0689\n",
                "vmunit-grant=1\npath=/"
                "d\ntype=file\nfilesystem=1\ninode=2\ndevice=0\nborn=0\nowner=0\ngroup=6\n",
        };
        Record *record = NULL;

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                CHECK_NUMBER(parse(bad[i], &record), -EBADMSG);
                CHECK(!record);
        }
        CHECK_NUMBER(record_parse(START "\0\n", sizeof(START) + 1, &record), -EBADMSG);
        CHECK_NUMBER(parse(START, &record), 0);
        record = record_free(record);

        /* each beginning of a record that a crash could have left */
        for (size_t n = 0; n < strlen(START); n++)
                CHECK_NUMBER(record_parse(START, n, &record), -EBADMSG);
}

int main(void)
{
        Access mode;

        test_round_trip();
        test_holders();
        test_hostile();
        CHECK_NUMBER(access_from_word("rw-shared", &mode), 0);
        CHECK_NUMBER(mode, ACCESS_WRITE_SHARED);
        CHECK_NUMBER(access_from_word("wr", &mode), -EINVAL);
        return 0;
}
