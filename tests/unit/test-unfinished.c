/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operate/operation-private.h"
#include "operate/unfinished.h"
#include "tests/unit/test.h"
#include "util/file.h"

#define NOTE     "run/vmunit/guests/.one.change"
#define READ     "run/systemd/generator"
#define FRAGMENT "fragments/disk-vda.xml"
#define NEW      "fragments/disk-vdb.xml"
#define OVERLAY  "images/one.s1"
#define RECORD   "one.snapshots/s1.xml"

static void put(const char *path, const char *text)
{
        CHECK_NUMBER(file_write_atomic(AT_FDCWD, path, text, strlen(text), 0640, 0), 0);
}

static void check_file(const char *path, const char *expected)
{
        _cleanup_(freep) char *text = NULL;
        size_t size;
        int r = file_read(AT_FDCWD, path, 1000, &text, &size);

        CHECK_NUMBER(r, expected ? 0 : -ENOENT);
        if (expected)
                CHECK_TEXT(text, expected);
}

/* A change of one fragment, a new one, and two new files: as far as its process gets before it is killed. */
static Operation begin(void)
{
        Operation o = { .note = strdup(NOTE), .guest = "one", .lock = -EBADF };

        CHECK(o.note);
        put(FRAGMENT, "before");
        CHECK_NUMBER(operation_make(&o, OVERLAY), 0);
        put(OVERLAY, "");
        CHECK_NUMBER(operation_make(&o, RECORD), 0);
        CHECK(mkdir("one.snapshots", 0755) >= 0);
        put(RECORD, "record");
        CHECK_NUMBER(operation_write(&o, FRAGMENT, "after"), 0);
        CHECK_NUMBER(operation_write(&o, NEW, "new"), 0);
        check_file(FRAGMENT, "after");
        return o;
}

/* The one that comes next. */
static void check_next(bool interrupted)
{
        Operation next = { .note = strdup(NOTE), .guest = "one", .lock = -EBADF };

        CHECK_NUMBER(unfinished_end(&next), 0);
        CHECK_NUMBER(next.interrupted, interrupted);
        operation_done(&next);
        CHECK(access(NOTE, F_OK) < 0);
}

static void leave_off(Operation *o)
{
        free(o->note); /* as if it was killed */
        o->note = NULL;
        operation_done(o);
}

static void check_taken_back(void)
{
        struct stat st;

        check_file(FRAGMENT, "before");
        CHECK(stat(FRAGMENT, &st) >= 0);
        CHECK_NUMBER(st.st_mode & 07777, 0640);
        check_file(NEW, NULL);
        check_file(OVERLAY, NULL);
        CHECK(access("one.snapshots", F_OK) < 0);
        CHECK(access("images", F_OK) >= 0);
}

static void remove_all(void)
{
        CHECK(unlink(NEW) >= 0 && unlink(OVERLAY) >= 0 && unlink(RECORD) >= 0 &&
              rmdir("one.snapshots") >= 0);
}

static void test_before_the_reload(void)
{
        Operation o = begin();

        put("fragments/.#0000abcd", "half");
        put("one.snapshots/.#0000abcd", "half");
        leave_off(&o);
        check_next(true);
        check_taken_back();
        check_file("fragments/.#0000abcd", NULL);
        check_next(false);
}

static void test_after_the_reload(void)
{
        Operation o = begin();

        CHECK_NUMBER(operation_reload(&o), 0);
        leave_off(&o);
        check_next(true);
        check_file(FRAGMENT, "after");
        check_file(NEW, "new");
        check_file(OVERLAY, "");
        check_file(RECORD, "record");
        remove_all();
}

/* systemd was reloaded by somebody else, and the guest may have been started since. */
static void test_after_it_was_read(void)
{
        Operation o = begin();

        leave_off(&o);
        CHECK(mkdir(READ, 0755) >= 0);
        check_next(true);
        check_file(FRAGMENT, "after");
        check_file(NEW, "new");
        check_file(OVERLAY, "");
        remove_all();
        CHECK(rmdir(READ) >= 0);
}

/* Of a guest that had the name before. */
static void test_of_another_guest(void)
{
        Operation o = begin(), next = { .note = strdup(NOTE), .guest = "one" };

        leave_off(&o);
        next.lock = open(FRAGMENT, O_RDONLY | O_CLOEXEC);
        CHECK(next.lock >= 0);
        CHECK_NUMBER(unfinished_end(&next), 0);
        CHECK(!next.interrupted);
        operation_done(&next);
        CHECK(access(NOTE, F_OK) < 0);
        check_file(FRAGMENT, "after");
        remove_all();
}

/* QEMU refused it, and systemd has still to hear that it was taken back. */
static void test_taken_back(void)
{
        Operation o = begin();

        CHECK_NUMBER(operation_reload(&o), 0);
        CHECK_NUMBER(operation_revert(&o), 0);
        check_file(FRAGMENT, "before");
        leave_off(&o);
        check_next(true);
        check_taken_back();
}

static void test_settled(void)
{
        Operation o = begin();

        CHECK_NUMBER(operation_reload(&o), 0);
        operation_settle(&o);
        CHECK(access(NOTE, F_OK) < 0);
        leave_off(&o);
        check_next(false);
        check_file(FRAGMENT, "after");
        remove_all();
}

int main(void)
{
        char directory[] = "/tmp/test-unfinished-XXXXXX";

        CHECK(mkdtemp(directory) && chdir(directory) >= 0);
        CHECK(mkdir("fragments", 0755) >= 0 && mkdir("images", 0755) >= 0 && mkdir("run", 0755) >= 0);
        CHECK(mkdir("run/systemd", 0755) >= 0 && mkdir("run/vmunit", 0755) >= 0);
        CHECK(mkdir("run/vmunit/guests", 0755) >= 0);
        test_before_the_reload();
        test_after_the_reload();
        test_after_it_was_read();
        test_of_another_guest();
        test_taken_back();
        test_settled();
        CHECK(unlink(FRAGMENT) >= 0 && rmdir("fragments") >= 0 && rmdir("images") >= 0);
        CHECK(rmdir("run/vmunit/guests") >= 0 && rmdir("run/vmunit") >= 0 && rmdir("run/systemd") >= 0);
        CHECK(rmdir("run") >= 0);
        CHECK(chdir("/") >= 0 && rmdir(directory) >= 0);
        return 0;
}
