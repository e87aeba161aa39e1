/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host's devices: what prepare's arguments ask for, and what is found in a tree like the kernel's. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "launcher/host/host-device.h"
#include "launcher/host/sysfs.h"
#include "launcher/prepare/prepare-request.h"
#include "launcher/tap/macvtap.h"
#include "tests/unit/test.h"
#include "util/file.h"

static char tree[] = "/tmp/test-host-devices-XXXXXX";

/* A file below the tree, with its directories. */
static void put(const char *path, const char *text)
{
        _cleanup_(freep) char *whole = sysfs_path(tree, "%s", path), *directory = strdup(whole);
        _cleanup_(closep) int fd = -EBADF;

        *strrchr(directory, '/') = '\0';
        CHECK_NUMBER(file_make_directories(AT_FDCWD, directory, 0755), 0);
        fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        CHECK(fd >= 0);
        CHECK_NUMBER(file_write_all(fd, text, strlen(text)), 0);
}

/* A symbolic link below the tree; it need not lead anywhere. */
static void put_link(const char *path, const char *target)
{
        _cleanup_(freep) char *whole = sysfs_path(tree, "%s", path), *directory = strdup(whole);

        *strrchr(directory, '/') = '\0';
        CHECK_NUMBER(file_make_directories(AT_FDCWD, directory, 0755), 0);
        CHECK_NUMBER(symlink(target, whole), 0);
}

static void put_usb(
        const char *name, const char *vendor, const char *product, const char *bus, const char *number)
{
        const char *const attributes[][2] = {
                { "idVendor", vendor }, { "idProduct", product },
                { "busnum", bus },      { "devnum", number },
                { "dev", "189:11\n" },  { "devpath", strchr(name, '-') ? strchr(name, '-') + 1 : "0" },
        };

        for (size_t i = 0; i < ELEMENTS(attributes); i++) {
                _cleanup_(freep) char *path = text_format("bus/usb/devices/%s/%s", name, attributes[i][0]);

                put(path, attributes[i][1]);
        }
}

static void put_pci(const char *address, const char *driver, const char *class, const char *group)
{
        _cleanup_(freep) char *link = text_format("bus/pci/devices/%s/driver", address),
                              *target = text_format("../../../bus/pci/drivers/%s", driver),
                              *attribute = text_format("bus/pci/devices/%s/class", address),
                              *group_link = text_format("bus/pci/devices/%s/iommu_group", address),
                              *group_target = text_format("%s/kernel/iommu_groups/%s", tree, group),
                              *member = text_format("kernel/iommu_groups/%s/devices/%s", group, address);

        put(attribute, class);
        if (*driver)
                put_link(link, target);
        if (*group) {
                put_link(group_link, group_target);
                put(member, "");
        }
}

static void make_tree(void)
{
        CHECK(mkdtemp(tree));
        put_usb("usb1", "1d6b", "0002", "1\n", "1\n");
        put_usb("1-1.2", "046d\n", "c52b\n", "1\n", "12\n");
        put_usb("1-3", "0951\n", "1666\n", "1\n", "5\n");
        put_usb("2-3", "0951\n", "1666\n", "2\n", "5\n");
        put("bus/usb/devices/1-1.2:1.0/bInterfaceClass", "03\n");
        put("bus/usb/devices/1-9/idVendor", "046d\n"); /* just going */

        put_pci("0000:00:01.0", "pcieport", "0x060400\n", "1");
        put_pci("0000:01:00.0", "nvidia", "0x030000\n", "1");
        put_pci("0000:01:00.1", "snd_hda_intel", "0x040300\n", "1");
        put_pci("0000:02:00.0", "vfio-pci", "0x020000\n", "2");
        put_pci("0000:03:00.0", "", "0x020000\n", "3");
        put_pci("0000:04:00.0", "e1000e", "0x020000\n", "");
        put("bus/pci/drivers/vfio-pci/bind", "");

        put_link(
                "bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c01/iommu_group",
                "../../kernel/iommu_groups/17");

        put("bus/scsi/devices/0:0:1:2/scsi_generic/sg3/dev", "21:3\n");
        put("bus/scsi/devices/0:0:1:3/type", "0\n");
}

static int find_usb(const char *arguments, char **ret)
{
        _cleanup_(device_requests_done) DeviceRequests d = { 0 };
        dev_t device = 0;
        int r;

        CHECK_NUMBER(device_request_usb(arguments, &d), 0);
        r = usb_find(tree, &d.usb[0], ret, &device);
        CHECK(r < 0 || device == makedev(189, 11));
        return r;
}

static void test_usb(void)
{
        static const struct {
                const char *arguments;
                const char *path; /* NULL: error */
                int error;
        } cases[] = {
                { "id=a,vendor=046d,product=c52b", "/dev/bus/usb/001/012", 0 },
                { "id=a,vendor=0951,product=1666,bus=2,device=5", "/dev/bus/usb/002/005", 0 },
                { "id=a,bus=1,port=1.2", "/dev/bus/usb/001/012", 0 },
                { "id=a,bus=2,port=3", "/dev/bus/usb/002/005", 0 },
                { "id=a,vendor=0951,product=1666", NULL, -EBUSY },
                { "id=a,vendor=0951,product=1667", NULL, -ENODEV },
                { "id=a,vendor=046d,product=c52b,bus=2,device=12", NULL, -ENODEV },
                { "id=a,bus=1,port=1", NULL, -ENODEV },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(freep) char *path = NULL;

                CHECK_NUMBER(find_usb(cases[i].arguments, &path), cases[i].error);
                if (cases[i].path)
                        CHECK_TEXT(path, cases[i].path);
                else
                        CHECK(!path);
        }
}

static void test_pci(void)
{
        static const struct {
                const char *arguments[2];
                const char *group; /* of the first; NULL: error */
                int error;
        } cases[] = {
                { { "address=0000:01:00.0,managed=yes" }, NULL, -EBUSY }, /* its sound */
                { { "address=0000:01:00.0,managed=yes", "address=0000:01:00.1,managed=yes" }, "1", 0 },
                { { "address=0000:01:00.0,managed=yes", "address=0000:01:00.1,managed=no" }, NULL, -EBUSY },
                { { "address=0000:01:00.0,managed=no" }, NULL, -EBUSY },
                { { "address=0000:02:00.0,managed=no" }, "2", 0 },
                { { "address=0000:02:00.0,managed=yes" }, "2", 0 },
                { { "address=0000:03:00.0,managed=yes" }, "3", 0 },
                { { "address=0000:03:00.0,managed=yes,driver=mlx5_vfio_pci" }, NULL, -ENODEV },
                { { "address=0000:03:00.0,managed=no" }, NULL, -EBUSY },
                { { "address=0000:04:00.0,managed=yes" }, NULL, -ENODEV }, /* no IOMMU */
                { { "address=0000:05:00.0,managed=yes" }, NULL, -ENODEV },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(device_requests_done) DeviceRequests d = { 0 };
                _cleanup_(freep) char *group = NULL;

                for (size_t n = 0; n < 2 && cases[i].arguments[n]; n++)
                        CHECK_NUMBER(device_request_pci(cases[i].arguments[n], &d), 0);
                CHECK_NUMBER(pci_check(tree, d.pci, d.n_pci, &d.pci[0], &group), cases[i].error);
                if (cases[i].group)
                        CHECK_TEXT(group, cases[i].group);
        }
}

/* Two functions of a card with one port, and one of a card in switchdev mode. */
static void make_functions(void)
{
        put_link("bus/pci/devices/0000:05:02.0/physfn", "../0000:05:00.0");
        put_link("bus/pci/devices/0000:05:02.1/physfn", "../0000:05:00.0");
        put_link("bus/pci/devices/0000:05:02.2/physfn", "../0000:05:00.0");
        put_link("bus/pci/devices/0000:05:00.0/virtfn0", "../0000:05:02.0");
        put_link("bus/pci/devices/0000:05:00.0/virtfn1", "../0000:05:02.1");
        put("bus/pci/devices/0000:05:00.0/net/enp5s0/mtu", "1500\n");

        put_link("bus/pci/devices/0000:06:02.0/physfn", "../0000:06:00.0");
        put_link("bus/pci/devices/0000:06:00.0/virtfn0", "../0000:06:02.0");
        put("bus/pci/devices/0000:06:00.0/net/enp6s0/phys_port_name", "p0\n");
        put("bus/pci/devices/0000:06:00.0/net/enp6s0r0/phys_port_name", "pf0vf0\n");

        put_link("bus/pci/devices/0000:07:02.0/physfn", "../0000:07:00.0");
        put_link("bus/pci/devices/0000:07:00.0/virtfn0", "../0000:07:02.0");
        put("bus/pci/devices/0000:07:00.0/net/enp7s0/mtu", "1500\n");
        put("bus/pci/devices/0000:07:00.0/net/enp7s0d1/mtu", "1500\n");

        put_link("bus/pci/devices/0000:08:02.0/physfn", "../0000:08:00.0");
        put_link("bus/pci/devices/0000:08:00.0/virtfn0", "../0000:08:02.0");
}

static void test_vf(void)
{
        static const struct {
                const char *address, *interface; /* NULL: -ENODEV */
                unsigned number;
        } cases[] = {
                { "0000:05:02.0", "enp5s0", 0 }, { "0000:05:02.1", "enp5s0", 1 },
                { "0000:05:02.2", NULL, 0 },                                  /* just going */
                { "0000:06:02.0", "enp6s0", 0 }, { "0000:07:02.0", NULL, 0 }, /* a card with two ports */
                { "0000:08:02.0", NULL, 0 },                                  /* no driver */
                { "0000:01:00.0", NULL, 0 },                                  /* no virtual function */
        };

        make_functions();
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(freep) char *interface = NULL;
                unsigned number = 0;

                CHECK_NUMBER(
                        vf_find(tree, cases[i].address, &interface, &number),
                        cases[i].interface ? 0 : -ENODEV);
                if (!cases[i].interface)
                        continue;
                CHECK_TEXT(interface, cases[i].interface);
                CHECK_NUMBER(number, cases[i].number);
        }
}

static void test_vf_request(void)
{
        _cleanup_(device_requests_done) DeviceRequests d = { 0 };

        CHECK_NUMBER(device_request_pci("address=0000:05:02.0,managed=yes", &d), 0);
        CHECK(!device_requests_want_vf(&d));
        CHECK_NUMBER(
                device_request_pci("address=0000:05:02.1,managed=yes,mac=52:54:00:aa:bb:cc,vlan=42", &d), 0);
        CHECK(device_requests_want_vf(&d));
        CHECK(d.pci[1].vf.has_mac && d.pci[1].vf.has_vlan);
        CHECK_NUMBER(d.pci[1].vf.mac[5], 0xcc);
        CHECK_NUMBER(d.pci[1].vf.vlan.id, 42);
        CHECK_NUMBER(device_request_pci("address=0000:05:02.2,managed=yes,vlan=4096", &d), -EINVAL);
        CHECK_NUMBER(device_request_pci("address=0000:05:02.2,managed=yes,mac=52:54", &d), -EINVAL);
}

static void test_vf_step(void)
{
        static const char *const bad[] = {
                "",
                "4 enp5s0 1 -",
                "4 enp5s0 1 52:54:00:aa:bb -",
                "4 enp5s0 1 - 42",
                "4 enp5s0 1 - 42.0",
                "4 enp5s0 1 - 4096.0.33024",
                "4 enp5s0 1 - 42.8.33024",
                "x enp5s0 1 - 42.0.33024",
                "4 enp5s0 x - 42.0.33024",
                "4 enp5s0 1 - 42.0.33024 more",
        };
        char good[] = "4 enp5s0 1 52:54:00:aa:bb:cc 42.5.33024", part[] = "4 enp5s0 1 - 0.0.33024";
        VfStep step;

        CHECK_NUMBER(vf_parse_step(good, &step), 0);
        CHECK_NUMBER(step.index, 4);
        CHECK_NUMBER(step.number, 1);
        CHECK_TEXT(step.interface, "enp5s0");
        CHECK(step.before.has_mac && step.before.mac[5] == 0xcc);
        CHECK(step.before.has_vlan && step.before.vlan.id == 42 && step.before.vlan.priority == 5);
        CHECK_NUMBER(step.before.vlan.protocol, 0x8100);
        CHECK_NUMBER(vf_parse_step(part, &step), 0);
        CHECK(!step.before.has_mac && step.before.has_vlan);
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                _cleanup_(freep) char *copy = strdup(bad[i]);

                CHECK_NUMBER(vf_parse_step(copy, &step), -EBADMSG);
        }
}

/* A log of an earlier version does not say which card it is of. */
static void test_macvtap_step(void)
{
        static const char *const bad[] = {
                "",
                "4",
                "4 vm-a-0",
                "x vm-a-0 52:54:00:aa:bb:cc hostnet0",
                "4 a/b 52:54:00:aa:bb:cc hostnet0",
                "4 vm-a-0 52:54:00:aa:bb hostnet0",
        };
        char whole[] = "4 vm-a-0 52:54:00:aa:bb:cc hostnet0", earlier[] = "0 vm-a-0 52:54:00:aa:bb:cc";
        MacvtapStep step;

        CHECK_NUMBER(macvtap_parse_step(whole, &step), 0);
        CHECK_NUMBER(step.index, 4);
        CHECK_TEXT(step.name, "vm-a-0");
        CHECK_NUMBER(step.mac[5], 0xcc);
        CHECK_TEXT(step.id, "hostnet0");
        CHECK_NUMBER(macvtap_parse_step(earlier, &step), 0);
        CHECK(step.index == 0 && !step.id);
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                _cleanup_(freep) char *copy = strdup(bad[i]);

                CHECK_NUMBER(macvtap_parse_step(copy, &step), -EBADMSG);
        }
}

static void test_mdev(void)
{
        _cleanup_(device_requests_done) DeviceRequests d = { 0 };
        _cleanup_(freep) char *group = NULL;

        CHECK_NUMBER(device_request_mdev("uuid=4B20D080-1b54-4048-85b3-a6a62d165c01", &d), 0);
        CHECK_NUMBER(device_request_mdev("uuid=4b20d080-1b54-4048-85b3-a6a62d165c02", &d), 0);
        CHECK_NUMBER(mdev_find(tree, &d.mdev[0], &group), 0);
        CHECK_TEXT(group, "17");
        CHECK_NUMBER(mdev_find(tree, &d.mdev[1], &group), -ENODEV);
}

static void test_scsi(void)
{
        static const struct {
                const char *arguments, *name;
        } cases[] = {
                { "id=a,host=0,bus=0,target=1,unit=2,access=ro", "sg3" },
                { "id=a,host=0,bus=0,target=1,unit=3,access=rw", NULL },
                { "id=a,host=1,bus=0,target=1,unit=2,access=rw-shared", NULL },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(device_requests_done) DeviceRequests d = { 0 };
                _cleanup_(freep) char *name = NULL;

                CHECK_NUMBER(device_request_scsi(cases[i].arguments, &d), 0);
                CHECK_NUMBER(scsi_find(tree, &d.scsi[0], &name), cases[i].name ? 0 : -ENODEV);
                if (cases[i].name)
                        CHECK_TEXT(name, cases[i].name);
        }
}

static void test_mistakes(void)
{
        static const char *const bad[] = {
                "--usb=id=a",
                "--usb=id=a,bus=1",
                "--usb=id=a,vendor=46d,product=c52b",
                "--usb=id=a,vendor=046d,product=c52b,bus=0,device=1",
                "--usb=id=a,bus=1,port=../x",
                "--usb=id=a/b,bus=1,port=1",
                "--usb=vendor=046d,product=c52b",
                "--pci=address=0000:01:00.0",
                "--pci=address=01:00.0,managed=yes",
                "--pci=address=0000:01:00.8,managed=yes",
                "--pci=address=0000:01:00/0,managed=yes",
                "--pci=address=0000:01:00.0,managed=maybe",
                "--pci=address=0000:01:00.0,managed=yes,driver=../x",
                "--mdev=uuid=x",
                "--mdev=",
                "--scsi=id=a,host=0,bus=0,target=1,unit=2",
                "--scsi=id=a,host=-1,bus=0,target=1,unit=2,access=rw",
                "--scsi=id=a,host=0,bus=0,target=1,unit=2,access=w",
                "--tap=id=a,ifname=x,lower=eth0",
                "--tap=id=a,ifname=x,mode=bridge",
                "--tap=id=a,ifname=x,lower=eth0,mode=bridge",
                "--tap=id=a,ifname=x,lower=eth0,mode=passthru,mac=52:54:00:00:00:01",
                "--tap=id=a,ifname=x,lower=eth0,mode=bridge,mac=52:54:00:00:00:01,bridge=br0",
                "--tap=id=a,ifname=x,lower=eth0,mode=bridge,mac=52:54:00:00:00:01,managed=no",
                "--grant-device=/dev/x",
        };

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                _cleanup_(prepare_request_done) PrepareRequest q = { 0 };

                CHECK_NUMBER(
                        prepare_request_read(
                                3,
                                (char *[]){ (char *) "prepare", (char *) "--guest=g", (char *) bad[i],
                                            NULL },
                                &q),
                        -EINVAL);
        }
}

static void test_good(void)
{
        _cleanup_(prepare_request_done) PrepareRequest q = { 0 };
        char *argv[] = {
                (char *) "prepare",
                (char *) "--guest=g",
                (char *) "--tap=id=a,ifname=x,lower=eth0,mode=vepa,mac=52:54:00:00:00:01,queues=2",
                (char *) "--grant-device=rw:/dev/ttyS0",
                (char *) "--grant=rw:/disk",
                (char *) "--pci=address=0000:01:00.0,managed=yes",
                NULL,
        };

        CHECK_NUMBER(prepare_request_read(ELEMENTS(argv) - 1, argv, &q), 0);
        CHECK_TEXT(q.taps.items[0].lower, "eth0");
        CHECK_NUMBER(q.taps.items[0].mode, MACVTAP_VEPA);
        CHECK(q.grants.items[0].device && !q.grants.items[1].device);
        CHECK_TEXT(q.devices.pci[0].driver, "vfio-pci");
}

int main(void)
{
        _cleanup_(freep) char *remove = NULL;

        make_tree();
        test_usb();
        test_pci();
        test_vf();
        test_vf_request();
        test_vf_step();
        test_macvtap_step();
        test_mdev();
        test_scsi();
        test_mistakes();
        test_good();
        remove = text_format("rm -rf %s", tree);
        return system(remove) == 0 ? 0 : 1;
}
