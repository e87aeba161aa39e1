/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What QEMU 7.2, 10.0 and 11.1 print when they fail, and what vmunit makes of it. */

#include <errno.h>

#include "contract/exit.h"
#include "launcher/qemu/explain.h"
#include "tests/unit/test.h"

#define QEMU "/usr/bin/qemu-system-x86_64"
#define SAYS "2026-11-28T23:58:40.123456Z qemu-system-x86_64: "

static char *small[] = { (char *) QEMU, (char *) "-machine", (char *) "pc-q35-99.0,usb=off", NULL };
static char *huge[] = { (char *) QEMU, (char *) "-object",
                        (char *) "{\"qom-type\":\"memory-backend-file\",\"mem-path\":\"/dev/hugepages\"}",
                        NULL };
static char *nodes[] = { (char *) QEMU,
                         (char *) "-blockdev",
                         (char *) "{\"driver\":\"host_device\",\"filename\":\"/srv/b\",\"node-name\":\"b\"}",
                         (char *) "-blockdev",
                         (char *) "{\"driver\":\"file\",\"filename\":\"/srv/f\",\"node-name\":\"f\"}",
                         NULL };
static char *emulated_tpm[] = { (char *) QEMU, (char *) "-chardev",
                                (char *) "socket,id=chrtpm,path=/run/vmunit/tpm/0123456789abcdef", NULL };
static DiskName disks[] = { { (char *) "libvirt-1-format", "vda", "/srv/a.qcow2" },
                            { (char *) "libvirt-11-format", "vdb", NULL } };

static void check(char **argv, const char *said, int exit, const char *begin, const char *has)
{
        RunOptions o = { .guest = "web-1", .argv = argv, .life.disks = { disks, ELEMENTS(disks) } };
        _cleanup_(freep) char *why = NULL;
        int status = 1;

        why = explain_failure(&o, said, &status);
        CHECK_NUMBER(status, exit);
        if (!why) {
                CHECK(!begin);
                return;
        }
        if (!text_after(why, begin) || !strstr(why, has))
                fprintf(stderr, "%s\nhas not: %s … %s\n", why, begin, has);
        CHECK(text_after(why, begin) && strstr(why, has));
}

static void test_tpm(void)
{
        static const char said[] =
                SAYS "-tpmdev emulator,id=tpm-tpm0,chardev=chrtpm: tpm-emulator: Failed to "
                     "send CMD_SET_DATAFD\n";

        check(emulated_tpm, said, EXIT_OS, "The guest's emulated TPM has not started, or has failed.",
              "\"journalctl -u 'vm-tpm@web-1'\"");
        check(small, said, EXIT_OS, "The program that emulates the guest's TPM has not answered",
              "CMD_SET_DATAFD");
}

static void test_rows(void)
{
        check(small, "", 1, NULL, NULL);
        check(small, SAYS "terminating on signal 15\n", 1, NULL, NULL);
        check(small, SAYS "unsupported machine type\nUse -machine help to list supported machines\n",
              EXIT_MISSING, "This QEMU has no machine type 'pc-q35-99.0',", "\"" QEMU " -machine help\"");
        check(small, SAYS "unsupported machine type: \"pc-q35-99.0\"\n", EXIT_MISSING,
              "This QEMU has no machine type 'pc-q35-99.0',", "-machine help");
        check(small, SAYS "unable to find CPU model 'Skylark-v9'\n", EXIT_MISSING,
              "This QEMU has no CPU model 'Skylark-v9',", "\"" QEMU " -cpu help\"");
        check(small, "Could not access KVM kernel module: Permission denied\n", EXIT_MISSING,
              "Cannot open /dev/kvm: Permission denied.", "group kvm");
        check(small,
              SAYS "-device {\"driver\":\"virtio-blk-pci\",\"drive\":\"libvirt-1-format\"}: Failed to get "
                   "\"write\" lock\nIs another process using the image [/dev/fdset/1]?\n",
              EXIT_OS, "The image /srv/a.qcow2 of disk vda is in use by another process", "<shareable/>");
        check(small,
              SAYS "-blockdev {\"node-name\":\"libvirt-11-format\"}: Failed to get shared \"write\" lock\n",
              EXIT_OS, "The image file of disk vdb is in use by another process", "lslocks");
        check(small,
              SAYS
              "-blockdev {\"node-name\":\"libvirt-1-format\",\"driver\":\"qcow2\"}: Image is not in qcow2 "
              "format\n",
              EXIT_BAD_GUEST, "The image /srv/a.qcow2 of disk vda is not in the format qcow2 ",
              "qemu-img info");
        check(nodes,
              SAYS "-blockdev {\"filename\":\"/dev/fdset/1\",\"node-name\":\"b\"}: 'host_device' driver "
                   "requires '/dev/fdset/1' to be either a character or block device\n",
              EXIT_BAD_GUEST, "/srv/b is not a block device,", "use type='file' (with <source file=");
        check(nodes,
              SAYS "-blockdev {\"node-name\":\"f\"}: 'file' driver requires '/dev/fdset/1' to be a regular "
                   "file\n",
              EXIT_BAD_GUEST, "/srv/f is not a regular file,", "use type='block' (with <source dev=");
        check(small, SAYS "cannot set up guest memory 'pc.ram': Cannot allocate memory\n", EXIT_OS,
              "The host has not enough memory for the guest",
              "(QEMU: cannot set up guest memory 'pc.ram': Cannot allocate memory)");
        check(huge, SAYS "unable to map backing store for guest RAM: Cannot allocate memory\n", EXIT_OS,
              "Not enough huge pages are free", "nr_hugepages");
        check(huge,
              SAYS "can't open backing store /dev/hugepages for guest RAM: No such file or directory\n",
              EXIT_MISSING, "The directory of huge pages cannot be used", "dev-hugepages.mount");
        check(small, SAYS "-vnc 127.0.0.1:0: Failed to find an available port: Address already in use\n",
              EXIT_OS, "An address or port of the guest is in use", "(QEMU: -vnc 127.0.0.1:0: ");
        check(small, SAYS "PCI: slot 3 function 0 not available for e1000, in use by virtio-net-pci\n",
              EXIT_BAD_GUEST, "Two devices of the guest have the same address", "in use by virtio-net-pci");
        check(small, SAYS "vfio 0000:03:00.0: failed to open /dev/vfio/9: Device or resource busy\n",
              EXIT_OS, "A device of the host that the guest needs is in use", "/dev/vfio/9");
        check(small, SAYS "-chardev socket,…: Failed to connect to '/run/x,y.sock': Connection refused\n",
              EXIT_MISSING, "Cannot connect to /run/x,y.sock ", "Connection refused");
        check(small, SAYS "Could not open '/usr/share/OVMF/X.fd': No such file or directory\n", EXIT_MISSING,
              "QEMU cannot open /usr/share/OVMF/X.fd ", "part of a firmware");
}

/* Paths of <qemu:commandline>: only those that QEMU names, and that cannot be opened. */
static void test_arguments(void)
{
        ArgumentPath paths[] = { { 8, "/etc/passwd" },
                                 { 9, "/nonexistent/x" },
                                 { 10, "/nonexistent/x.ign" } };
        char *argv[] = { (char *) QEMU, (char *) "-fw_cfg", (char *) "name=opt/x,file=/nonexistent/x.ign",
                         NULL };
        RunOptions o = { .guest = "web", .argv = argv, .argument_paths = { paths, ELEMENTS(paths) } };
        _cleanup_(freep) char *fw = NULL, *other = NULL, *user = NULL;
        int exit = 0;

        fw = explain_failure(
                &o, SAYS "-fw_cfg name=opt/x,file=/nonexistent/x.ign: can't load /nonexistent/x.ign\n",
                &exit);
        CHECK_NUMBER(exit, EXIT_MISSING);
        CHECK(text_after(
                fw, "QEMU cannot open /nonexistent/x.ign (No such file or directory), which <qemu:arg> "
                    "in line 10 of the guest's XML names"));
        CHECK(strstr(fw, "<sysinfo type='fwcfg'>"));
        other = explain_failure(
                &o, SAYS "-drive file=/nonexistent/x: Could not open '/nonexistent/x'\n", &exit);
        CHECK(strstr(other, "in line 9 of"));
        CHECK(strstr(other, "\"systemctl edit 'vm@web.service'\""));
        CHECK(strstr(other, "BindReadOnlyPaths=/nonexistent/x "));
        CHECK(setenv("MANAGERPID", "1", 1) == 0);
        user = explain_failure(&o, "/nonexistent/x: no\n", &exit);
        CHECK(strstr(user, "\"systemctl --user edit 'vm@web.service'\""));
        CHECK(!explain_failure(&o, SAYS "/etc/passwd: not what I want, /nonexistent/xyz\n", &exit));
}

int main(void)
{
        test_rows();
        test_tpm();
        test_arguments();
        return 0;
}
