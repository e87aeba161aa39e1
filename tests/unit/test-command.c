/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "launcher/monitor/command.h"
#include "tests/unit/test.h"

static Strings make(const char *const *words)
{
        Strings s = { 0 };

        for (; *words; words++)
                CHECK_NUMBER(strings_add(&s, *words), 0);
        return s;
}

static void expect(const Strings *s, const char *const *words)
{
        size_t i = 0;

        for (; words[i]; i++) {
                CHECK(i < s->count);
                CHECK_TEXT(s->items[i], words[i]);
        }
        CHECK_NUMBER(s->count, i);
        CHECK(!s->items[i]);
}

static void test_vhost(void)
{
        Strings s = make((const char *[]){
                "qemu", "-netdev",
                "{\"type\":\"tap\",\"fd\":\"20\",\"vhost\":true,\"vhostfd\":\"21\",\"id\":\"hostnet0\"}",
                "-netdev",
                "{\"type\":\"tap\",\"fds\":\"22:23\",\"vhost\":true,\"vhostfds\":\"24:25\",\"id\":"
                "\"hostnet1\"}",
                "-device", "x", NULL });

        CHECK_NUMBER(command_drop_vhost(&s, "hostnet2"), -ENOENT);
        CHECK_NUMBER(command_drop_vhost(&s, "hostnet1"), 0);
        expect(&s, (const char *[]){ "qemu", "-netdev",
                                     "{\"type\":\"tap\",\"fd\":\"20\",\"vhost\":true,\"vhostfd\":\"21\","
                                     "\"id\":\"hostnet0\"}",
                                     "-netdev", "{\"type\":\"tap\",\"fds\":\"22:23\",\"id\":\"hostnet1\"}",
                                     "-device", "x", NULL });
        CHECK_NUMBER(command_drop_vhost(&s, "hostnet0"), 0);
        CHECK_TEXT(s.items[2], "{\"type\":\"tap\",\"fd\":\"20\",\"id\":\"hostnet0\"}");
        CHECK(command_has_option(s.items, "-netdev") && !command_has_option(s.items, "-vnc"));
        strings_done(&s);
}

#define STORAGE "{\"driver\":\"file\",\"filename\":\"/a\",\"node-name\":\"libvirt-1-storage\"}"
#define DISK    "{\"driver\":\"qcow2\",\"file\":\"libvirt-1-storage\",\"node-name\":\"libvirt-1-format\""

static void test_image(void)
{
        Strings s = make((const char *[]){ "qemu", "-add-fd", "set=4,fd=9", "-blockdev", STORAGE,
                                           "-blockdev", DISK "}", NULL });

        CHECK_NUMBER(command_set_image(&s, "libvirt-2-storage", 20, true), -ENOENT);
        CHECK_NUMBER(command_set_image(&s, "libvirt-1-storage", 20, false), 0);
        expect(&s, (const char *[]){ "qemu", "-add-fd", "set=4,fd=9", "-add-fd", "set=5,fd=20", "-blockdev",
                                     "{\"driver\":\"file\",\"filename\":\"/dev/fdset/5\",\"node-name\":"
                                     "\"libvirt-1-storage\",\"read-only\":false,\"auto-read-only\":false}",
                                     "-blockdev", DISK "}", NULL });
        strings_done(&s);
}

static void test_no_backing(void)
{
        Strings s = make((const char *[]){ "qemu", "-blockdev", STORAGE, "-blockdev", DISK "}", NULL });

        CHECK_NUMBER(command_set_backing(&s, "libvirt-2-format", NULL, 0), -ENOENT);
        CHECK_NUMBER(command_set_backing(&s, "libvirt-1-format", NULL, 0), 0);
        expect(&s, (const char *[]){ "qemu", "-blockdev", STORAGE, "-blockdev", DISK ",\"backing\":null}",
                                     NULL });

        /* what knows of no backing file must not be told of one */
        CHECK_NUMBER(command_set_backing(&s, "libvirt-1-storage", NULL, 0), 0);
        CHECK_TEXT(s.items[2], STORAGE);
        strings_done(&s);
}

static void test_chain(void)
{
        static const BackingImage images[] = {
                { .depth = 1, .format = "qcow2", .driver = "file", .fd = 30 },
                { .depth = 2, .format = "raw", .driver = "host_device", .fd = 31 },
        };
        Strings s = make((const char *[]){ "qemu", "-add-fd", "set=6,fd=12,opaque=x", "-blockdev", DISK "}",
                                           "-S", NULL });

        CHECK_NUMBER(command_set_backing(&s, "libvirt-1-format", images, 2), 0);
        expect(&s,
               (const char *[]){
                       "qemu", "-add-fd", "set=6,fd=12,opaque=x", "-add-fd", "set=8,fd=31", "-blockdev",
                       "{\"driver\":\"host_device\",\"filename\":\"/dev/fdset/"
                       "8\",\"node-name\":\"backing8-storage\",\"read-only\":true,\"auto-read-only\":false}",
                       "-blockdev",
                       "{\"driver\":\"raw\",\"file\":\"backing8-storage\",\"node-name\":\"backing8-format\","
                       "\"read-only\":true}",
                       "-add-fd", "set=7,fd=30", "-blockdev",
                       "{\"driver\":\"file\",\"filename\":\"/dev/fdset/"
                       "7\",\"node-name\":\"backing7-storage\",\"read-only\":true,\"auto-read-only\":false}",
                       "-blockdev",
                       "{\"driver\":\"qcow2\",\"file\":\"backing7-storage\",\"node-name\":\"backing7-"
                       "format\",\"read-only\":true,\"backing\":\"backing8-format\"}",
                       "-blockdev", DISK ",\"backing\":\"backing7-format\"}", "-S", NULL });

        /* the chain of another disk takes the next sets */
        CHECK_NUMBER(strings_add(&s, "-blockdev"), 0);
        CHECK_NUMBER(strings_add(&s, "{\"driver\":\"qcow2\",\"node-name\":\"two\"}"), 0);
        CHECK_NUMBER(command_set_backing(&s, "two", images, 1), 0);
        CHECK(strings_have(&s, "set=9,fd=30"));
        CHECK_TEXT(
                s.items[s.count - 1],
                "{\"driver\":\"qcow2\",\"node-name\":\"two\",\"backing\":\"backing9-format\"}");
        strings_done(&s);
}

/* An image of a format that has backing files, at the end of a chain, is told that it has none. */
static void test_end_of_chain(void)
{
        static const BackingImage image = { .depth = 1, .format = "qcow2", .driver = "file", .fd = 30 };
        Strings s = make((const char *[]){ "qemu", "-blockdev", DISK "}", NULL });

        CHECK_NUMBER(command_set_backing(&s, "libvirt-1-format", &image, 1), 0);
        CHECK_TEXT(
                s.items[6], "{\"driver\":\"qcow2\",\"file\":\"backing1-storage\",\"node-name\":\"backing1-"
                            "format\",\"read-only\":true,\"backing\":null}");
        strings_done(&s);
}

int main(void)
{
        test_vhost();
        test_image();
        test_no_backing();
        test_chain();
        test_end_of_chain();
        return 0;
}
