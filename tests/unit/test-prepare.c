/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What prepare reads without privileges: its arguments, and the list of what it stored last time. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/limits.h"
#include "launcher/prepare/prepare-request.h"
#include "launcher/store/prepared.h"
#include "tests/unit/test.h"
#include "util/file.h"

#define ARGUMENTS_MAX 600

static int read_arguments(PrepareRequest *q, char *const *arguments)
{
        char *argv[ARGUMENTS_MAX] = { (char *) "prepare" };
        int argc = 1;

        while (arguments[argc - 1]) {
                argv[argc] = arguments[argc - 1];
                argc++;
        }
        return prepare_request_read(argc, argv, q);
}

#define READ(q, ...) read_arguments(q, (char *const[]){ (char *) "--guest=g", __VA_ARGS__, NULL })

static void test_all(void)
{
        _cleanup_(prepare_request_done) PrepareRequest q = { 0 };

        CHECK_NUMBER(
                READ(&q, (char *) "--source=/etc/a:b.xml:0123456789abcdef",
                     (char *) "--tap=id=hostnet0,ifname=vm-demo-0,bridge=br0,mac=fe:54:00:00:00:01,mtu=9000,"
                              "queues=4,vhost=try,link=down",
                     (char *) "--tap=id=n1,ifname=x,managed=no", (char *) "--grant=rw:/a:b, c",
                     (char *) "--grant=rw-shared:/d", (char *) "--image=rw:direct:libvirt-1-storage:/i/a:b",
                     (char *) "--image=ro:cached:n:/r", (char *) "--chain=libvirt-1-format:qcow2:/i/a:b",
                     (char *) "--image-directory=/srv", (char *) "--nvram=/n",
                     (char *) "--nvram-template=/t"),
                0);
        CHECK_TEXT(q.guest, "g");
        CHECK_TEXT(q.source_path, "/etc/a:b.xml");
        CHECK(q.source_hash == UINT64_C(0x0123456789abcdef));
        CHECK_NUMBER(q.taps.count, 2);
        CHECK_TEXT(q.taps.items[0].interface, "vm-demo-0");
        CHECK_TEXT(q.taps.items[0].bridge, "br0");
        CHECK(memcmp(q.taps.items[0].mac, "\xfe\x54\x00\x00\x00\x01", 6) == 0);
        CHECK(q.taps.items[0].mtu == 9000 && q.taps.items[0].queues == 4 &&
              q.taps.items[0].vhost == VHOST_TRY);
        CHECK(q.taps.items[0].down && !q.taps.items[0].unmanaged);
        CHECK(q.taps.items[1].queues == 1 && q.taps.items[1].vhost == VHOST_NO &&
              q.taps.items[1].unmanaged && !q.taps.items[1].bridge);
        CHECK_NUMBER(q.grants.count, 2);
        CHECK_TEXT(q.grants.items[0].path, "/a:b, c");
        CHECK(q.grants.items[0].mode == ACCESS_WRITE && q.grants.items[1].mode == ACCESS_WRITE_SHARED);
        CHECK_NUMBER(q.images.count, 2);
        CHECK_TEXT(q.images.items[0].node, "libvirt-1-storage");
        CHECK_TEXT(q.images.items[0].path, "/i/a:b");
        CHECK(q.images.items[0].access == ACCESS_WRITE && q.images.items[0].direct);
        CHECK(q.images.items[1].access == ACCESS_READ && !q.images.items[1].direct);
        CHECK_NUMBER(q.chains.count, 1);
        CHECK_TEXT(q.chains.items[0].node, "libvirt-1-format");
        CHECK_TEXT(q.chains.items[0].format, "qcow2");
        CHECK_TEXT(q.chains.items[0].path, "/i/a:b");
        CHECK_NUMBER(q.image_directories.count, 1);
        CHECK_TEXT(q.nvram, "/n");
}

static void test_limits_of_taps(void)
{
        _cleanup_(prepare_request_done) PrepareRequest q = { 0 };
        char *argv[] = { (char *) "prepare", (char *) "--guest=one",
                         (char *) "--tap=id=n,ifname=x,bridge=b,inbound=5000000000:2:3,outbound=7:0:0,"
                                  "native-tagged=4094,trunk=1:64:65,isolated=yes" };
        const TapRequest *tap;

        CHECK_NUMBER(prepare_request_read(ELEMENTS(argv), argv, &q), 0);
        CHECK_NUMBER(q.taps.count, 1);
        tap = &q.taps.items[0];
        CHECK(tap->inbound.average == UINT64_C(5000000000) && tap->inbound.peak == 2 &&
              tap->inbound.burst == 3);
        CHECK(tap->outbound.average == 7 && !tap->outbound.peak && !tap->outbound.burst);
        CHECK(tap->native == 4094 && tap->native_tagged && tap->has_trunk && tap->isolated);
        for (unsigned vlan = 1; vlan <= 4094; vlan++)
                CHECK(tap_request_has_vlan(tap, vlan) == (vlan == 1 || vlan == 64 || vlan == 65));
}

static void test_mistakes(void)
{
        static const char *const bad[] = {
                "--source=/x",
                "--source=/x:0123456789abcdeF",
                "--source=x:0123456789abcdef",
                "--image=rw:/x",
                "--image=rw:cached:/x",
                "--image=rw:n:n:/x",
                "--image=w:cached:n:/x",
                "--image=rw:cached:n/m:/x",
                "--image=rw:cached:n:x",
                "--tap=",
                "--tap=id=a",
                "--tap=ifname=a",
                "--tap=id=a/b,ifname=a",
                "--tap=id=a,ifname=a/b",
                "--tap=id=a,ifname=a%d",
                "--tap=id=a,ifname=0123456789abcdef",
                "--tap=id=a,ifname=..",
                "--tap=id=a,ifname=a,bridge=",
                "--tap=id=a,broker=yes",
                "--tap=id=a,broker=yes,bridge=b",
                "--tap=id=a,broker=yes,mac=52:54:00:00:00:01",
                "--tap=id=a,broker=yes,ifname=a,bridge=b,mac=52:54:00:00:00:01",
                "--tap=id=a,broker=yes,lower=a,mode=vepa,mac=52:54:00:00:00:01",
                "--tap=id=a,ifname=a,mac=01:00:00:00:00:00",
                "--tap=id=a,ifname=a,mac=fe:54",
                "--tap=id=a,ifname=a,mtu=67",
                "--tap=id=a,ifname=a,mtu=65522",
                "--tap=id=a,ifname=a,queues=0",
                "--tap=id=a,ifname=a,queues=257",
                "--tap=id=a,ifname=a,vhost=yes",
                "--tap=id=a,ifname=a,managed=maybe",
                "--tap=id=a,ifname=a,inbound=1000",
                "--tap=id=a,ifname=a,inbound=1000:0",
                "--tap=id=a,ifname=a,inbound=0:0:0",
                "--tap=id=a,ifname=a,inbound=1:2:3:4",
                "--tap=id=a,ifname=a,inbound=-1:0:0",
                "--tap=id=a,ifname=a,outbound=1:x:0",
                "--tap=id=a,ifname=a,bridge=b,native=0",
                "--tap=id=a,ifname=a,bridge=b,native=4095",
                "--tap=id=a,ifname=a,bridge=b,native=1,native-tagged=2",
                "--tap=id=a,ifname=a,bridge=b,trunk=1::2",
                "--tap=id=a,ifname=a,bridge=b,native=5,trunk=4:5",
                "--tap=id=a,ifname=a,native=5",
                "--tap=id=a,ifname=a,trunk=5",
                "--tap=id=a,ifname=a,isolated=yes",
                "--tap=id=a,ifname=a,bridge=b,isolated=maybe",
                "--tap=id=a,ifname=a,id=b",
                "--tap=id=a,ifname=a,color=red",
                "--grant=/x",
                "--grant=rwx:/x",
                "--grant=rw:x",
                "--grant=rw:",
                "--chain=n:qcow2",
                "--chain=n:qcow2:x",
                "--chain=n/o:qcow2:/x",
                "--chain=:qcow2:/x",
                "--chain=n::/x",
                "--chain=n:a b:/x",
                "--image-directory=x",
                "--nvram=/x",
                "--nvram-template=/x",
                "--what=1",
                "word",
        };

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                _cleanup_(prepare_request_done) PrepareRequest q = { 0 };

                CHECK_NUMBER(READ(&q, (char *) bad[i]), -EINVAL);
        }
        for (size_t i = 0; i < 3; i++) {
                static const char *const twice[][2] = {
                        { "--tap=id=a,ifname=x", "--tap=id=a,ifname=y" },
                        { "--tap=id=a,ifname=x", "--tap=id=b,ifname=x" },
                        { "--chain=n:raw:/x", "--chain=n:raw:/y" },
                };
                _cleanup_(prepare_request_done) PrepareRequest q = { 0 };

                CHECK_NUMBER(READ(&q, (char *) twice[i][0], (char *) twice[i][1]), -EINVAL);
        }
}

static void test_limits(void)
{
        _cleanup_(prepare_request_done) PrepareRequest q = { 0 };
        char *arguments[ARGUMENTS_MAX] = { (char *) "--guest=g" };
        static char long_path[PATH_MAX + 16] = "--grant=rw:/";

        for (size_t i = 1; i <= GRANTS_MAX; i++)
                arguments[i] = (char *) "--grant=rw:/x";
        CHECK_NUMBER(read_arguments(&q, arguments), 0);
        prepare_request_done(&q);
        arguments[GRANTS_MAX + 1] = (char *) "--grant=rw:/x";
        CHECK_NUMBER(read_arguments(&q, arguments), -EINVAL);
        prepare_request_done(&q);

        memset(long_path + strlen(long_path), 'a', PATH_MAX - 1);
        CHECK_NUMBER(READ(&q, long_path), -EINVAL);
}

static void test_note(void)
{
        static const char good[] =
                "tap hostnet0 vm-a-0 12 4 52:54:00:00:00:01\nfd tap.hostnet0.0\nfd chain.n.1.qcow2\n"
                "stop 120000000\n";
        static const char *const bad[] = {
                "tap\n",
                "tap i a\n",
                "tap i a 1 2\n",
                "tap i a 1 2 00:00:00:00:00:00 3\n",
                "tap i a -1 1 00:00:00:00:00:00\n",
                "tap i a 1 257 00:00:00:00:00:00\n",
                "tap i a/b 1 1 00:00:00:00:00:00\n",
                "tap i/j a 1 1 00:00:00:00:00:00\n",
                "tap  a 1 1 00:00:00:00:00:00\n",
                "tap i a 1 1 00:00:00:00:00\n",
                "fd\n",
                "fd a b\n",
                "fd a=b\n",
                "fd a:b\n",
                "fd \x01\n",
                "refused 77\n",
                "what a\n",
                "stop\n",
                "stop -1\n",
                "stop 1 s\n",
        };
        _cleanup_(prepared_done) Prepared prepared = { 0 };

        CHECK_NUMBER(prepared_parse(good, strlen(good), &prepared), 0);
        CHECK_NUMBER(prepared.names.count, 2);
        CHECK(prepared.stop_usec == 120000000);
        CHECK(!prepared_find_tap(&prepared, "hostnet1"));
        CHECK_TEXT(prepared_find_tap(&prepared, "hostnet0")->interface, "vm-a-0");
        CHECK_NUMBER(prepared_find_tap(&prepared, "hostnet0")->index, 12);
        CHECK_NUMBER(prepared_find_tap(&prepared, "hostnet0")->queues, 4);
        CHECK_NUMBER(prepared_find_tap(&prepared, "hostnet0")->mac[5], 1);
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                Prepared none = { 0 };

                CHECK_NUMBER(prepared_parse(bad[i], strlen(bad[i]), &none), -EBADMSG);
                CHECK_NUMBER(none.n_taps + none.names.count, 0);
        }
        CHECK_NUMBER(prepared_parse("\0", 1, &(Prepared){ 0 }), -EBADMSG);
}

static bool one_is_on = true;

static bool is_on(const char *guest)
{
        return streq(guest, "one") ? one_is_on : !streq(guest, "stopped");
}

/* In user and system scope alike: only the directory differs. */
static int claim_within(
        const char *run, unsigned max_guests, const char *guest, const char *first, const char *second)
{
        Claim items[2];
        ClaimList list = { items, second ? 2 : 1 };

        CHECK_NUMBER(claim_value_read(first, &items[0]), 0);
        CHECK_NUMBER(second ? claim_value_read(second, &items[1]) : 0, 0);
        return claims_take(run, guest, &list, max_guests, is_on);
}

static int claim(const char *run, const char *guest, const char *first, const char *second)
{
        return claim_within(run, 0, guest, first, second);
}

/* A guest that is on has a runtime directory; "stopped" has one, too, but its unit is off. */
static void test_claims(void)
{
        static const char *const uuid = "uuid:c7a5fdbd-edaf-9455-926a-d65c16db1809";
        static const char *const other = "uuid:c7a5fdbd-edaf-9455-926a-d65c16db180a";
        static const char *const mac = "mac:52:54:00:00:00:01", *const cid = "vsock-cid:3";
        char run[] = "/tmp/test-claims-XXXXXX";
        _cleanup_(closep) int fd = -EBADF;
        Claim none;

        CHECK(mkdtemp(run));
        fd = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(fd >= 0);
        CHECK_NUMBER(file_make_directories(fd, "vm/one", 0700), 0);
        CHECK_NUMBER(file_make_directories(fd, "vm/two", 0700), 0);
        CHECK_NUMBER(file_make_directories(fd, "vm/stopped", 0700), 0);

        CHECK_NUMBER(claim(run, "one", uuid, mac), 0);
        CHECK_NUMBER(claim(run, "one", uuid, mac), 0);
        CHECK_NUMBER(claim(run, "two", cid, "mac:52:54:00:00:00:01"), -EBUSY);
        CHECK_NUMBER(claim(run, "two", "uuid:C7A5FDBDEDAF9455926AD65C16DB1809", NULL), -EBUSY);

        /* what was refused claims nothing, and what is not asked for any more is given up */
        CHECK_NUMBER(claim(run, "one", uuid, cid), 0);
        CHECK_NUMBER(claim(run, "two", mac, NULL), 0);

        /* "one" is on; a guest that starts again does not count itself */
        CHECK_NUMBER(claim_within(run, 1, "two", other, mac), -EBUSY);
        CHECK_NUMBER(claim_within(run, 2, "two", other, mac), 0);
        CHECK_NUMBER(claim_within(run, 2, "two", other, mac), 0);
        CHECK_NUMBER(claim_within(run, 1, "one", uuid, cid), -EBUSY); /* what runs is counted as it is */
        CHECK_NUMBER(claim(run, "one", uuid, cid), 0);
        CHECK_NUMBER(claim(run, "two", mac, NULL), 0);

        /* a guest may have lost its runtime directory; it is off if its unit is */
        CHECK_NUMBER(unlinkat(fd, "vm/one", AT_REMOVEDIR), 0);
        CHECK_NUMBER(claim(run, "stopped", uuid, NULL), -EBUSY);
        one_is_on = false;
        CHECK_NUMBER(claim(run, "stopped", uuid, NULL), 0);
        CHECK_NUMBER(claim(run, "two", uuid, mac), 0);
        CHECK_NUMBER(readlinkat(fd, "vmunit/claims/vsock-cid:3", (char[8]){ 0 }, 8), -1);

        /* a link that is no guest's means nothing */
        CHECK_NUMBER(symlinkat("../../vm/two", fd, "vmunit/claims/vsock-cid:3"), 0);
        CHECK_NUMBER(claim(run, "two", cid, NULL), 0);

        CHECK_NUMBER(fchmodat(fd, "vmunit/claims", 0755, 0), 0);
        CHECK_NUMBER(claim(run, "two", cid, NULL), -EPERM);
        CHECK_NUMBER(unlinkat(fd, "vmunit/claims/vsock-cid:3", 0), 0);
        for (const char **d =
                     (const char *[]){ "vmunit/claims", "vmunit", "vm/two", "vm/stopped", "vm", NULL };
             *d; d++)
                CHECK_NUMBER(unlinkat(fd, *d, AT_REMOVEDIR), 0);
        CHECK_NUMBER(rmdir(run), 0);

        for (const char **bad = (const char *[]){ "uuid:", "uuid:x/y", "mac:1", "vsock-cid:-1", "what:1",
                                                  "1", "vsock-cid:4294967296", NULL };
             *bad; bad++)
                CHECK(claim_value_read(*bad, &none) < 0);
}

int main(void)
{
        test_limits_of_taps();
        test_all();
        test_mistakes();
        test_limits();
        test_note();
        test_claims();
        return 0;
}
