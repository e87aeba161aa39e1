/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file of a saved guest, and what makes a guest another one than was saved. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/fd-name.h"
#include "contract/state.h"
#include "launcher/saved/identity.h"
#include "launcher/saved/saved-file.h"
#include "launcher/saved/stream.h"
#include "tests/unit/test.h"
#include "util/text.h"

static char path[] = "/tmp/test-saved-XXXXXX";

/* ——— the file ——— */

static json_t *header(void)
{
        return json_pack("{s:{s:s}, s:{}, s:b}", "machine", "-m", "size=1", "disks", "paused", 0);
}

/* As QEMU would have written it. */
static int write_file(int directory)
{
        int fd = saved_create(directory);

        CHECK(fd >= 0);
        CHECK_NUMBER(write(fd, "stream", 6), 6);
        return fd;
}

static void make(int directory)
{
        _cleanup_(json_decrefp) json_t *h = header();
        _cleanup_(closep) int fd = write_file(directory);

        CHECK_NUMBER(saved_finish(directory, fd, h), 0);
}

static bool there(int directory, const char *name)
{
        return faccessat(directory, name, F_OK, 0) >= 0;
}

static void test_life(int directory)
{
        _cleanup_(saved_done) Saved saved = SAVED_EMPTY;
        char text[7] = "";

        CHECK_NUMBER(saved_open(directory, &saved), -ENOENT);
        make(directory);
        CHECK(there(directory, STATE_SAVED) && !there(directory, STATE_SAVING));
        CHECK_NUMBER(saved_open(directory, &saved), 0);
        CHECK_NUMBER(saved.kind, SAVED_WHOLE);
        CHECK_NUMBER(read(saved.fd, text, 6), 6);
        CHECK_TEXT(text, "stream");
        saved_done(&saved);
        CHECK_NUMBER(saved_mark(directory), 0);
        CHECK_NUMBER(saved_mark(directory), 0); /* again, after a crash */
        CHECK_NUMBER(saved_open(directory, &saved), 0);
        CHECK_NUMBER(saved.kind, SAVED_RESTORING);
        CHECK_NUMBER(saved_unmark(directory), 0);
        CHECK(there(directory, STATE_SAVED));
        CHECK_NUMBER(saved_consume(directory), 0);
        CHECK_NUMBER(saved_consume(directory), 0);
        CHECK(!there(directory, STATE_SAVED) && !there(directory, STATE_RESTORING));
}

/* One that was being written when the launcher was killed is replaced; one that is too long goes. */
static void test_not_whole(int directory)
{
        _cleanup_(freep) char *long_text = calloc(1, SAVED_OFFSET + 1);
        _cleanup_(json_decrefp) json_t *h = header();
        Saved saved = SAVED_EMPTY;
        int fd = write_file(directory);

        CHECK_NUMBER(saved_open(directory, &saved), -ENOENT);
        (void) fd_close(fd);
        fd = write_file(directory);
        memset(long_text, 'x', SAVED_OFFSET);
        CHECK_NUMBER(json_object_set_new(h, "long", json_string(long_text)), 0);
        CHECK_NUMBER(saved_finish(directory, fd, h), -E2BIG);
        saved_drop(directory);
        CHECK(!there(directory, STATE_SAVING) && !there(directory, STATE_SAVED));
        (void) fd_close(fd);
}

static void expect(int directory, int result)
{
        Saved saved = SAVED_EMPTY;

        CHECK_NUMBER(saved_open(directory, &saved), result);
        CHECK(there(directory, STATE_SAVED));
        CHECK_NUMBER(saved_consume(directory), 0);
}

static void test_damaged(int directory)
{
        static const off_t lengths[] = { 0, 1, 30, SAVED_OFFSET - 1, SAVED_OFFSET, SAVED_OFFSET + 5 };

        _cleanup_(freep) char *file = text_format("%s/" STATE_SAVED, path);

        for (size_t i = 0; i < ELEMENTS(lengths); i++) {
                _cleanup_(closep) int fd = -EBADF;

                make(directory);
                fd = openat(directory, STATE_SAVED, O_WRONLY);
                CHECK_NUMBER(ftruncate(fd, lengths[i]), 0);
                expect(directory, lengths[i] == 1 ? -EBADMSG : -ENODATA);
        }
        make(directory);
        CHECK_NUMBER(truncate(file, SAVED_OFFSET + 7), 0);
        expect(directory, -EBADMSG);
        CHECK_NUMBER(mkfifoat(directory, STATE_SAVED, 0600), 0);
        expect(directory, -EBADMSG);
        CHECK_NUMBER(symlinkat("/etc/passwd", directory, STATE_SAVED), 0);
        expect(directory, -ELOOP);
}

/* ——— what is compared ——— */

static json_t *machine_of(const char *const *words)
{
        static const char *const first[] = { "run", "--guest=one",
                                             "--uuid=7e0c8f5a-3d5f-4c35-9d0a-2f1c5b7a9e10", "--monitor=10" };
        char *argv[32];
        RunOptions options;
        CommandLine line;
        KnownImage item = { .fd = -EBADF };
        Images images = { .items = &item };
        json_t *machine;
        int argc = 0;

        for (size_t i = 0; i < ELEMENTS(first); i++)
                argv[argc++] = (char *) first[i];
        for (; *words; words++)
                argv[argc++] = (char *) *words;
        argv[argc] = NULL;
        CHECK_NUMBER(run_options_read(&options, argc, argv), 0);
        CHECK_NUMBER(command_line_read(&options, options.argv, &line), 0);
        for (size_t i = 0; i < options.images.count; i++) {
                item.name = fd_name_image(options.images.items[i]);
                images.count = 1;
        }
        machine = identity_of_machine(&line, &images);
        free(item.name);
        CHECK(machine);
        command_line_done(&line);
        run_options_done(&options);
        return machine;
}

#define CARD(mac) \
        "{\"driver\":\"virtio-net-pci\",\"netdev\":\"hostnet0\",\"id\":\"net0\",\"mac\":\"" mac "\"}"
#define DISK(file, more) \
        "{\"driver\":\"file\",\"filename\":\"" file "\",\"node-name\":\"d-storage\"" more "}"
#define NETDEV(fd) "{\"type\":\"tap\",\"id\":\"hostnet0\",\"fd\":\"" fd "\"}"
#define WORDS(...)                \
        (const char *const[])     \
        {                         \
                __VA_ARGS__, NULL \
        }

static const char *const base[] = { "--image=d-storage",
                                    "--fd=tap.hostnet0.0:100",
                                    "--",
                                    "/q",
                                    "-name",
                                    "guest=one",
                                    "-netdev",
                                    NETDEV("100"),
                                    "-device",
                                    CARD("1"),
                                    "-blockdev",
                                    DISK("/a", ""),
                                    "-chardev",
                                    "socket,id=c,path=/run/one",
                                    "-m",
                                    "1",
                                    "-vnc",
                                    "unix:/a",
                                    NULL };

static void test_identity(void)
{
        const struct {
                const char *const *words;
                const char *difference;
        } cases[] = {
                { base, NULL },
                /* a rename, another number of the same TAP, another order, another path of an image */
                { WORDS("--image=d-storage", "--fd=tap.hostnet0.0:101", "--", "/q", "-name", "guest=two",
                        "-chardev", "socket,id=c,path=/run/two", "-netdev", NETDEV("101"), "-blockdev",
                        DISK("/b", ""), "-device", CARD("1"), "-m", "1"),
                  NULL },
                { WORDS("--image=d-storage", "--fd=tap.hostnet0.0:100", "--", "/q", "-netdev", NETDEV("100"),
                        "-device", CARD("2"), "-blockdev", DISK("/a", ""), "-chardev", "null,id=c", "-m",
                        "1"),
                  "-device net0 is not the same" },
                { WORDS("--image=d-storage", "--fd=tap.hostnet0.0:100", "--", "/q", "-netdev", NETDEV("100"),
                        "-device", CARD("1"), "-blockdev", DISK("/a", ""), "-chardev", "null,id=c", "-m",
                        "2"),
                  "-m is not the same" },
                { WORDS("--image=d-storage", "--fd=tap.hostnet0.0:100", "--", "/q", "-netdev", NETDEV("100"),
                        "-device", CARD("1"), "-blockdev", DISK("/a", ""), "-m", "1"),
                  "-chardev c is gone" },
                { WORDS("--image=d-storage", "--fd=tap.hostnet0.0:100", "--", "/q", "-netdev", NETDEV("100"),
                        "-device", CARD("1"), "-blockdev", DISK("/a", ""), "-chardev", "null,id=c", "-m",
                        "1", "-device", "{\"driver\":\"x\",\"id\":\"y\"}"),
                  "-device y is new" },
                /* not passed as a descriptor, so that its path is all that is known of it */
                { WORDS("--fd=tap.hostnet0.0:100", "--", "/q", "-netdev", NETDEV("100"), "-device",
                        CARD("1"), "-blockdev", DISK("/b", ""), "-chardev", "null,id=c", "-m", "1"),
                  "-blockdev d-storage is not the same" },
        };
        _cleanup_(json_decrefp) json_t *saved = machine_of(base);

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(json_decrefp) json_t *now = machine_of(cases[i].words);
                _cleanup_(freep) char *difference = NULL;

                CHECK_NUMBER(identity_differs(saved, now, &difference), !!cases[i].difference);
                if (cases[i].difference)
                        CHECK_TEXT(difference, cases[i].difference);
        }
}

/* A version that is added to a machine's name is for QEMU to compare. */
static void test_machine_type(void)
{
        static const struct {
                const char *a, *b;
                bool same;
        } cases[] = {
                { "q35,usb=off", "pc-q35-7.2,usb=off", true },
                { "pc-q35-10.0,usb=off", "pc-q35-7.2,usb=off", true },
                { "pc,usb=off", "pc-i440fx-7.2,usb=off", true },
                { "virt", "virt-7.2", true },
                { "q35,usb=off", "pc-q35-7.2,usb=on", false },
                { "q35", "pc-i440fx-7.2", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(json_decrefp) json_t *a = machine_of(WORDS("--", "/q", "-machine", cases[i].a));
                _cleanup_(json_decrefp) json_t *b = machine_of(WORDS("--", "/q", "-machine", cases[i].b));
                _cleanup_(freep) char *difference = NULL;

                CHECK_NUMBER(!identity_differs(a, b, &difference), cases[i].same);
        }
}

static void test_versions(void)
{
        CHECK(stream_is_newer("10.0.1", "9.2.0"));
        CHECK(stream_is_newer("11.1.0", "11.0.9"));
        CHECK(!stream_is_newer("7.2.22", "7.2.1"));
        CHECK(!stream_is_newer("7.2.22", "10.0.0"));
        CHECK(!stream_is_newer("", "10.0.0"));
}

int main(void)
{
        _cleanup_(closep) int directory = -EBADF;

        CHECK(mkdtemp(path));
        directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(directory >= 0);
        test_life(directory);
        test_not_whole(directory);
        test_damaged(directory);
        CHECK_NUMBER(rmdir(path), 0);
        test_identity();
        test_machine_type();
        test_versions();
        return 0;
}
