/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launcher/machine/arguments.h"
#include "launcher/reload/difference.h"
#include "tests/unit/test.h"
#include "util/text.h"

#define ARGUMENTS_MAX 32

#define FILE_A "{\"driver\":\"file\",\"filename\":\"/a\",\"node-name\":\"a-storage\"}"
#define FILE_B "{\"driver\":\"file\",\"filename\":\"/b\",\"node-name\":\"a-storage\"}"
#define DISK_A                                                                                              \
        "{\"driver\":\"virtio-blk-pci\",\"id\":\"disk0\",\"bus\":\"pci.1\",\"addr\":\"0x0\",\"drive\":\"a-" \
        "storage\"}"
#define CD_A      "{\"driver\":\"ide-cd\",\"id\":\"cd0\",\"bus\":\"ide.0\",\"drive\":\"a-storage\"}"
#define CD_EMPTY  "{\"driver\":\"ide-cd\",\"id\":\"cd0\",\"bus\":\"ide.0\"}"
#define ROOT_PORT "{\"driver\":\"pcie-root-port\",\"id\":\"pci.1\",\"bus\":\"pcie.0\",\"addr\":\"0x2\"}"
#define NETDEV(n) "{\"type\":\"tap\",\"id\":\"hostnet0\",\"fd\":\"" #n "\"}"
#define CARD                                                                                           \
        "{\"driver\":\"virtio-net-pci\",\"netdev\":\"hostnet0\",\"mac\":\"52:54:00:00:00:01\",\"id\":" \
        "\"net0\",\"bus\":\"pci.2\",\"addr\":\"0x0\"}"
#define GROUP(n) "{\"qom-type\":\"throttle-group\",\"id\":\"t\",\"limits\":{\"iops-read\":" #n "}}"

/* Options of `vm-launcher run`, with what follows "--". */
typedef struct Side {
        RunOptions options;
        CommandLine line;
} Side;

static Side read_side(const char *const *words)
{
        static const char *const first[] = { "run", "--guest=one",
                                             "--uuid=7e0c8f5a-3d5f-4c35-9d0a-2f1c5b7a9e10", "--monitor=10" };
        char *argv[ARGUMENTS_MAX];
        int argc = 0;
        Side side;

        for (size_t i = 0; i < ELEMENTS(first); i++)
                argv[argc++] = (char *) first[i];
        for (; *words; words++)
                argv[argc++] = (char *) *words;
        argv[argc] = NULL;
        CHECK_NUMBER(run_options_read(&side.options, argc, argv), 0);
        CHECK_NUMBER(command_line_read(&side.options, side.options.argv, &side.line), 0);
        return side;
}

static void side_done(Side *side)
{
        command_line_done(&side->line);
        run_options_done(&side->options);
}

static ChangeKind change_of(const Difference *d, const char *name, const char *id)
{
        const Change *change = difference_find(d, name, id);

        CHECK(change);
        return change->kind;
}

/* Calls check with the difference of the two. */
static void compare(const char *const *was, const char *const *is, void (*check)(const Difference *d))
{
        Side a = read_side(was), b = read_side(is);
        const DifferenceHost host = { .network = true, .peers = true };
        Difference d;

        CHECK_NUMBER(difference_of(&a.line, &b.line, &b.options, &host, &d), 0);
        check(&d);
        difference_done(&d);
        side_done(&a);
        side_done(&b);
}

#define ARGS(...) ((const char *[]){ __VA_ARGS__, NULL })

static void nothing(const Difference *d)
{
        for (size_t i = 0; i < d->count; i++)
                CHECK_NUMBER(d->items[i].kind, CHANGE_NONE);
}

/* Numbers of descriptors depend on the other options. */
static void test_same(void)
{
        compare(ARGS("--fd=tap.hostnet0.0:100", "--", "/qemu", "-netdev", NETDEV(100), "-device", CARD),
                ARGS("--fd=tap.hostnet0.0:102", "--", "/qemu", "-netdev", NETDEV(102), "-device", CARD),
                nothing);
}

static void disk_added(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-blockdev", "a-storage"), CHANGE_ADD);
        CHECK_NUMBER(change_of(d, "-device", "disk0"), CHANGE_ADD);
}

static void disk_removed(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-blockdev", "a-storage"), CHANGE_REMOVE);
        CHECK_NUMBER(change_of(d, "-device", "disk0"), CHANGE_REMOVE);
}

/* QEMU would open the file itself, which its sandbox does not show. */
static void disk_waits(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-blockdev", "a-storage"), CHANGE_RESTART);
        CHECK_NUMBER(change_of(d, "-device", "disk0"), CHANGE_RESTART);
        CHECK(difference_find(d, "-device", "disk0")->why);
}

#define STREAM                                                                                         \
        "{\"type\":\"stream\",\"id\":\"hostnet0\",\"server\":false,\"addr\":{\"type\":\"fd\",\"str\":" \
        "\"100\"}}"
#define USER "{\"type\":\"user\",\"id\":\"hostnet0\"}"

/* Whether the card can be attached, with these options of the launcher. */
static bool passt_can_come(const char *passt, const char *netdev, bool host_has_passt)
{
        Side a = read_side(ARGS("--", "/qemu")),
             b = read_side(ARGS(passt, "--", "/qemu", "-netdev", netdev, "-device", CARD));
        const DifferenceHost host = { .passt = host_has_passt };
        Difference d;
        ChangeKind kind;

        CHECK_NUMBER(difference_of(&a.line, &b.line, &b.options, &host, &d), 0);
        kind = change_of(&d, "-device", "net0");
        CHECK_NUMBER(change_of(&d, "-netdev", "hostnet0"), kind);
        difference_done(&d);
        side_done(&a);
        side_done(&b);
        return kind == CHANGE_ADD;
}

/* The sandbox of this QEMU has no network. */
static void test_passt(void)
{
        CHECK(passt_can_come("--passt=fd=100,id=hostnet0,use=require", STREAM, true));
        CHECK(!passt_can_come("--passt=fd=100,id=hostnet0,use=require", STREAM, false));
        CHECK(!passt_can_come("--passt=fd=100,id=hostnet0,use=require,log-file=/a", STREAM, true));
        CHECK(passt_can_come("--passt=fd=100,id=hostnet0,use=try", USER, true));
        CHECK(!passt_can_come("--passt=fd=100,id=hostnet0,use=try", USER, false));
        CHECK(!passt_can_come("--passt=fd=100,id=hostnet1,use=try", USER, true));
}

#define VFIO                                                                                        \
        "{\"driver\":\"vfio-pci\",\"host\":\"0000:06:00.0\",\"id\":\"hostdev0\",\"bus\":\"pci.5\"," \
        "\"addr\":\"0x0\"}"

static void vfio_waits(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-device", "hostdev0"), CHANGE_RESTART);
        CHECK(strstr(difference_find(d, "-device", "hostdev0")->why, "device nodes"));
}

static void vfio_removed(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-device", "hostdev0"), CHANGE_REMOVE);
}

/* QEMU opens the node of its group, and the sandbox of one that runs gets no other nodes. */
static void test_pci(void)
{
        compare(ARGS("--", "/qemu"), ARGS("--", "/qemu", "-device", VFIO), vfio_waits);
        compare(ARGS("--", "/qemu", "-device", VFIO), ARGS("--", "/qemu"), vfio_removed);
}

static void test_disk(void)
{
        const char *const *with =
                ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_A, "-device", DISK_A);

        compare(ARGS("--", "/qemu"), with, disk_added);
        compare(with, ARGS("--", "/qemu"), disk_removed);
        compare(ARGS("--", "/qemu"), ARGS("--", "/qemu", "-blockdev", FILE_A, "-device", DISK_A),
                disk_waits);
}

#define SERVER  "{\"driver\":\"nbd\",\"node-name\":\"n\",\"server\":{\"type\":\"unix\",\"path\":\"/s\"}}"
#define MANAGER "{\"qom-type\":\"pr-manager-helper\",\"id\":\"pr0\",\"path\":\"/s\"}"

/* A QEMU that connects to nothing cannot begin to while it runs. */
static void test_peers(void)
{
        static const struct {
                const char *option, *value, *id;
                bool connects;
        } options[] = {
                { "-chardev", "socket,id=c,path=/s", "c", true },
                { "-chardev", "socket,id=c,host=192.0.2.1,port=9", "c", true },
                { "-chardev", "socket,id=c,path=/s,server=on,wait=off", "c", false },
                { "-chardev", "pty,id=c", "c", false },
                { "-blockdev", SERVER, "n", true },
                { "-object", MANAGER, "pr0", true },
                { "-netdev", "{\"type\":\"user\",\"id\":\"hostnet0\"}", "hostnet0", true },
        };

        for (size_t i = 0; i < ELEMENTS(options); i++)
                for (unsigned peers = 0; peers < 2; peers++) {
                        Side was = read_side(ARGS("--", "/qemu")),
                             is = read_side(ARGS("--", "/qemu", options[i].option, options[i].value));
                        const DifferenceHost host = { .network = true, .peers = peers };
                        Difference d;

                        CHECK_NUMBER(difference_of(&was.line, &is.line, &is.options, &host, &d), 0);
                        CHECK_NUMBER(
                                change_of(&d, options[i].option, options[i].id),
                                options[i].connects && !peers ? CHANGE_RESTART : CHANGE_ADD);
                        difference_done(&d);
                        side_done(&was);
                        side_done(&is);
                }
}

/* Whether it is an overlay, the files say. */
static void other_image(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-blockdev", "a-storage"), CHANGE_NONE);
        CHECK_NUMBER(change_of(d, "-device", "disk0"), CHANGE_LAYERS);
}

static void other_medium(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-blockdev", "a-storage"), CHANGE_NONE);
        CHECK_NUMBER(change_of(d, "-device", "cd0"), CHANGE_MEDIUM);
}

static void test_medium(void)
{
        compare(ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_A, "-device", DISK_A),
                ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_B, "-device", DISK_A),
                other_image);
        compare(ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_A, "-device", CD_A),
                ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_B, "-device", CD_A),
                other_medium);
        compare(ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_A, "-device", CD_A),
                ARGS("--", "/qemu", "-device", CD_EMPTY), other_medium);
        compare(ARGS("--", "/qemu", "-device", CD_EMPTY),
                ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_A, "-device", CD_A),
                other_medium);
}

#define FORMAT "{\"driver\":\"qcow2\",\"file\":\"a-storage\",\"node-name\":\"a-format\"}"
#define OVER                                                                                       \
        "{\"driver\":\"qcow2\",\"file\":\"b-storage\",\"node-name\":\"b-format\",\"backing\":\"a-" \
        "storage\"}"
#define FILE_OVER "{\"driver\":\"file\",\"filename\":\"/b\",\"node-name\":\"b-storage\"}"
#define DISK(drive, more)                                                                         \
        "{\"driver\":\"virtio-blk-pci\",\"id\":\"disk0\",\"bus\":\"pci.1\",\"addr\":\"0x0\"" more \
        ",\"drive\":\"" drive "\"}"
#define THROTTLE(file) "{\"driver\":\"throttle\",\"node-name\":\"t-f\",\"file\":\"" file "\"}"

static void layers(const Difference *d)
{
        for (size_t i = 0; i < d->count; i++) {
                const Option *o = d->items[i].is ?: d->items[i].was;

                CHECK_NUMBER(d->items[i].kind, o->kind == QEMU_DEVICE ? CHANGE_LAYERS : CHANGE_NONE);
        }
}

static void no_layers(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-device", "disk0"), CHANGE_RESTART);
}

/* An image over another, which the new definition names or leaves to the header, and the way back. */
static void test_layers(void)
{
        const char *const *raw =
                ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_A, "-device", DISK_A);
        const char *const *named =
                ARGS("--image=a-storage", "--image=b-storage", "--", "/qemu", "-blockdev", FILE_A,
                     "-blockdev", FILE_OVER, "-blockdev", OVER, "-device", DISK("b-format", ""));
        const char *const *found =
                ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_B, "-blockdev", FORMAT, "-device",
                     DISK("a-format", ""));

        compare(raw, named, layers);
        compare(named, raw, layers);
        compare(raw, found, layers);
        compare(found, raw, layers);
        compare(ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_A, "-blockdev",
                     THROTTLE("a-storage"), "-device", DISK("t-f", "")),
                ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_B, "-blockdev", FORMAT,
                     "-blockdev", THROTTLE("a-format"), "-device", DISK("t-f", "")),
                layers);
        /* not alone */
        compare(raw,
                ARGS("--image=a-storage", "--", "/qemu", "-blockdev", FILE_B, "-blockdev", FORMAT, "-device",
                     DISK("a-format", ",\"serial\":\"1\"")),
                no_layers);
        /* QEMU would open the file itself */
        compare(raw,
                ARGS("--", "/qemu", "-blockdev", FILE_B, "-blockdev", FORMAT, "-device",
                     DISK("a-format", "")),
                no_layers);
}

/* Without its port, neither the disk nor what is behind it is added. */
static void test_no_port(void)
{
        compare(ARGS("--", "/qemu"),
                ARGS("--image=a-storage", "--", "/qemu", "-device", ROOT_PORT, "-blockdev", FILE_A,
                     "-device", DISK_A),
                disk_waits);
}

static void limits(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-object", "t"), CHANGE_LIMITS);
}

#define FILTER_OF(below)                                                                                 \
        "{\"driver\":\"throttle\",\"node-name\":\"a-filter\",\"throttle-group\":\"t\",\"file\":\"" below \
        "\"}"
#define DISK_OF(driver, drive) \
        "{\"driver\":\"" driver "\",\"id\":\"disk0\",\"bus\":\"pci.1\",\"drive\":\"" drive "\"}"
#define PLAIN(driver) "-blockdev", FILE_A, "-device", DISK_OF(driver, "a-storage")
#define LIMITED(driver)                                                                           \
        "-object", GROUP(1), "-blockdev", FILE_A, "-blockdev", FILTER_OF("a-storage"), "-device", \
                DISK_OF(driver, "a-filter")

static void check_filter(const Difference *d, ChangeKind parts, ChangeKind device)
{
        CHECK_NUMBER(change_of(d, "-object", "t"), parts);
        CHECK_NUMBER(change_of(d, "-blockdev", "a-filter"), parts);
        CHECK_NUMBER(change_of(d, "-blockdev", "a-storage"), CHANGE_NONE);
        CHECK_NUMBER(change_of(d, "-device", "disk0"), device);
}

static void first_limits(const Difference *d)
{
        check_filter(d, CHANGE_ADD, CHANGE_FILTER);
}

static void last_limits(const Difference *d)
{
        check_filter(d, CHANGE_REMOVE, CHANGE_FILTER);
}

static void limits_wait(const Difference *d)
{
        check_filter(d, CHANGE_RESTART, CHANGE_RESTART);
        CHECK(difference_find(d, "-device", "disk0")->why);
}

static void other_image_with_limits(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-device", "disk0"), CHANGE_RESTART);
        CHECK_NUMBER(change_of(d, "-blockdev", "a-filter"), CHANGE_RESTART);
}

static void test_filters(void)
{
        compare(ARGS("--image=a-storage", "--", "/qemu", PLAIN("virtio-blk-pci")),
                ARGS("--image=a-storage", "--", "/qemu", LIMITED("virtio-blk-pci")), first_limits);
        compare(ARGS("--image=a-storage", "--", "/qemu", LIMITED("virtio-blk-pci")),
                ARGS("--image=a-storage", "--", "/qemu", PLAIN("virtio-blk-pci")), last_limits);
        compare(ARGS("--image=a-storage", "--", "/qemu", PLAIN("scsi-hd")),
                ARGS("--image=a-storage", "--", "/qemu", LIMITED("scsi-hd")), first_limits);
        compare(ARGS("--image=a-storage", "--", "/qemu", PLAIN("nvme-ns")),
                ARGS("--image=a-storage", "--", "/qemu", LIMITED("nvme-ns")), first_limits);
        compare(ARGS("--image=a-storage", "--", "/qemu", PLAIN("usb-storage")),
                ARGS("--image=a-storage", "--", "/qemu", LIMITED("usb-storage")), limits_wait);
        compare(ARGS("--image=b-storage", "--", "/qemu", "-blockdev",
                     "{\"driver\":\"file\",\"filename\":\"/b\",\"node-name\":\"b-storage\"}", "-device",
                     DISK_OF("virtio-blk-pci", "b-storage")),
                ARGS("--image=a-storage", "--", "/qemu", LIMITED("virtio-blk-pci")),
                other_image_with_limits);
}

static void vcpus(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-smp", "0"), CHANGE_VCPUS);
}

static void more_vcpus(const Difference *d)
{
        CHECK_NUMBER(change_of(d, "-smp", "0"), CHANGE_RESTART);
}

static void test_values(void)
{
        compare(ARGS("--", "/qemu", "-object", GROUP(1)), ARGS("--", "/qemu", "-object", GROUP(2)), limits);
        compare(ARGS("--", "/qemu", "-smp", "1,maxcpus=3,sockets=3"),
                ARGS("--", "/qemu", "-smp", "3,sockets=3"), vcpus);
        compare(ARGS("--", "/qemu", "-smp", "1,maxcpus=3,sockets=3"),
                ARGS("--", "/qemu", "-smp", "1,maxcpus=4,sockets=4"), more_vcpus);
}

static void check_chardev(const char *text, const char *expected)
{
        Side side = read_side(ARGS("--socket=channel:101", "--", "/qemu", "-chardev", text));
        const Option *option = command_line_find(&side.line, "-chardev", "c");
        _cleanup_(freep) char *arguments = NULL;
        json_t *json, *copy;

        CHECK(option);
        copy = json_deep_copy(option->json);
        arguments_plain_names(copy);
        json = arguments_of(QEMU_CHARDEV, copy);
        CHECK(json);
        arguments = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
        CHECK_TEXT(arguments, expected);
        json_decref(json);
        json_decref(copy);
        side_done(&side);
}

static void test_chardevs(void)
{
        check_chardev(
                "socket,id=c,fd=101,server=on,wait=off",
                "{\"backend\":{\"data\":{\"addr\":{\"data\":{\"str\":\"channel\"},\"type\":\"fd\"},"
                "\"server\":true,\"wait\":false},\"type\":\"socket\"},\"id\":\"c\"}");
        check_chardev(
                "socket,id=c,path=/a,,b",
                "{\"backend\":{\"data\":{\"addr\":{\"data\":{\"path\":\"/a,b\"},\"type\":\"unix\"},"
                "\"server\":false},\"type\":\"socket\"},\"id\":\"c\"}");
        check_chardev("pty,id=c", "{\"backend\":{\"data\":{},\"type\":\"pty\"},\"id\":\"c\"}");
}

int main(void)
{
        test_same();
        test_disk();
        test_peers();
        test_passt();
        test_pci();
        test_medium();
        test_layers();
        test_no_port();
        test_values();
        test_filters();
        test_chardevs();
        return 0;
}
