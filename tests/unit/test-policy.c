/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>

#include "policy/policy.h"
#include "tests/unit/test.h"
#include "util/file.h"

static char root[] = "/tmp/test-policy-XXXXXX";

static void put(const char *path, const char *text)
{
        _cleanup_(freep) char *full = text_format("%s%s", root, path), *directory = strdup(full);

        *strrchr(directory, '/') = '\0';
        CHECK_NUMBER(file_make_directories(AT_FDCWD, directory, 0700), 0);
        CHECK_NUMBER(file_write_atomic(AT_FDCWD, full, text, strlen(text), 0600, 0), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
        return remove(path);
}

static void test_order(void)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(policy_done) Policy p = { 0 };

        put("/usr/lib/vmunit/vmunit.conf", "[Guests]\nAllowQemuCommandline=no\n");
        put("/etc/vmunit/vmunit.conf",
            "# ours\n[Guests]\nImageDirectories=/srv/images /data\nDisks=chown\n");
        put("/run/vmunit/vmunit.conf.d/10-a.conf", "[Guests]\nAllowHostDevices=no\n");
        put("/usr/lib/vmunit/vmunit.conf.d/20-b.conf",
            "[Guests]\nImageDirectories=\nImageDirectories=/only\n");
        put("/etc/vmunit/vmunit.conf.d/20-b.conf", "[Guests]\nAllowHostDevices = yes\n");
        CHECK_NUMBER(policy_read(root, false, &p, f), 0);
        CHECK_NUMBER(findings_count(f), 0);
        CHECK(p.switches[POLICY_QEMU_COMMANDLINE].allowed); /* /etc hides /usr/lib whole */
        CHECK(p.switches[POLICY_HOST_DEVICES].allowed);
        CHECK_NUMBER(p.image_directories.count, 2);
        CHECK(!p.disks_by_descriptor);
        CHECK_TEXT(p.image_directories.items[1], "/data");
}

/* Reads what is in all the files: the findings have to be these, in this order, each without its file. */
static void check_findings(const char *const *expected, size_t n)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(policy_done) Policy p = { 0 };

        CHECK_NUMBER(policy_read(root, false, &p, f), n > 0 ? -EINVAL : 0);
        CHECK_NUMBER(findings_count(f), n);
        for (size_t i = 0; i < n; i++) {
                _cleanup_(freep) char *line = finding_format(findings_get(f, i));

                CHECK_TEXT(strstr(line, ".conf:") + strlen(".conf:"), expected[i]);
        }
}

/* Every row is read, and says where it was set. */
static void test_switches(void)
{
        _cleanup_(freep) char *other = text_format("%s/switches", root);

        for (size_t i = 0; i < POLICY_SWITCHES; i++)
                for (int user_scope = 0; user_scope <= 1; user_scope++) {
                        _cleanup_(findings_freep) Findings *f = findings_new(), *g = findings_new();
                        _cleanup_(policy_done) Policy before = { 0 }, after = { 0 };
                        _cleanup_(freep) char *text = NULL, *place = NULL, *expected = NULL;
                        const PolicyChoice *choice = &before.switches[i];

                        put("/switches/etc/vmunit/vmunit.conf", "");
                        CHECK_NUMBER(policy_read(other, user_scope, &before, f), 0);
                        CHECK_NUMBER(choice->allowed, !(user_scope && i == POLICY_HOST_DEVICES));
                        place = policy_place_text(&choice->at);
                        CHECK_TEXT(place, "vmunit.conf");
                        free(place);

                        text = text_format(
                                "[Guests]\n\n%s=%s\n", policy_switches[i].key,
                                choice->allowed ? "no" : "yes");
                        put("/switches/etc/vmunit/vmunit.conf", text);
                        CHECK_NUMBER(policy_read(other, user_scope, &after, g), 0);
                        for (size_t j = 0; j < POLICY_SWITCHES; j++)
                                CHECK_NUMBER(
                                        after.switches[j].allowed != before.switches[j].allowed, i == j);
                        place = policy_place_text(&after.switches[i].at);
                        expected = text_format("%s/etc/vmunit/vmunit.conf:3", other);
                        CHECK_TEXT(place, expected);
                }
}

static void test_limits(void)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(policy_done) Policy p = { 0 };
        _cleanup_(freep) char *other = text_format("%s/limits", root);

        put("/limits/etc/vmunit/vmunit.conf",
            "[Guests]\nMaxGuests=3\nMaxMemory=2G\nMaxVCPUs=8\nMaxVCPUs=infinity\nDiskDirectories=/a /b\n");
        CHECK_NUMBER(policy_read(other, false, &p, f), 0);
        CHECK_NUMBER(p.max_guests.max, 3);
        CHECK_NUMBER(p.max_memory.max, INT64_C(1) << 31);
        CHECK_NUMBER(p.max_memory.at.line, 3);
        CHECK_NUMBER(p.max_vcpus.max, 0);
        CHECK_NUMBER(p.disk_directories.count, 2);
        CHECK_NUMBER(p.disk_directories_at.line, 6);
}

static void test_bad_limits(void)
{
        static const char *const expected[] = {
                "2:11: error: '0' is not a number from 1 on, and not infinity",
                "3:11: error: '4GiB' is not a size; expected bytes, a number followed by K, M, G or T, or "
                "infinity",
                "4:11: error: 'G' is not a size; expected bytes, a number followed by K, M, G or T, or "
                "infinity",
                "5:11: error: '99999999999T' is not a size; expected bytes, a number followed by K, M, G or "
                "T, or infinity",
                "6:17: error: 'relative' is not an absolute path",
                "7:10: error: '-1' is not a number from 1 on, and not infinity",
                "8:1: error: AllowChown=no contradicts Disks=chown, with which QEMU's user becomes the "
                "owner "
                "of disks; remove one of them",
        };

        put("/etc/vmunit/vmunit.conf.d/30-bad.conf",
            "[Guests]\nMaxGuests=0\nMaxMemory=4GiB\nMaxMemory=G\nMaxMemory=99999999999T\n"
            "DiskDirectories=relative\nMaxVCPUs=-1\nAllowChown=no\nDisks=chown\n");
        check_findings(expected, ELEMENTS(expected));
}

static void test_bad(void)
{
        static const char *const expected[] = {
                "2:1: error: unknown setting Nonsense= in this section",
                "3:18: error: 'perhaps' is not a boolean; must be one of: yes, no",
                "4:23: error: 'relative' is not an absolute path",
                "5:1: error: expected [SECTION] or KEY=VALUE",
                "6:1: error: unknown section [Other]; must be one of: [Guests], [Broker], [Bridge NAME]",
        };

        put("/etc/vmunit/vmunit.conf.d/30-bad.conf",
            "[Guests]\nNonsense=1\nAllowHostDevices=perhaps\nImageDirectories=/a   relative\nwhat\n[Other]\n"
            "Key=value\n");
        check_findings(expected, ELEMENTS(expected));
}

static void test_users(void)
{
        static const char *const good[] = {
                "qemu", "per-guest", "_vm.1-a", "995", "4294967294", "abcdefghijklmnopqrstuvwxyzabcde",
        };
        static const char *const bad[] = {
                "",      "root",       "0",          "nobody", "65534",
                "65535", "4294967295", "4294967296", "-x",     ".x",
                "1x",    "a b",        "*",          "a%h",    "abcdefghijklmnopqrstuvwxyzabcdef",
        };
        static const char *const expected[] = {
                "2:6: error: 'root' must not be the user of guests",
                "3:11: error: '5' is not a range FIRST-LAST of numbers up to 2147483647",
                "4:11: error: '5-2147483648' is not a range FIRST-LAST of numbers up to 2147483647",
                "5:11: error: '6-5' is empty: the last number is lower than the first",
                "6:11: error: '0-5' must not contain 0, 65534 and 65535",
                "7:11: error: '65535-65536' must not contain 0, 65534 and 65535",
                "8:6: error: '' is not valid; expected a user's name or number, or per-guest",
        };
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(policy_done) Policy p = { 0 };

        for (size_t i = 0; i < ELEMENTS(good); i++)
                CHECK(!policy_user_fault(good[i]));
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                CHECK(policy_user_fault(bad[i]));
        put("/etc/vmunit/vmunit.conf.d/30-bad.conf",
            "[Guests]\nUser=root\nUserRange=5\nUserRange=5-2147483648\nUserRange=6-5\nUserRange=0-5\n"
            "UserRange=65535-65536\nUser=\n");
        check_findings(expected, ELEMENTS(expected));
        put("/etc/vmunit/vmunit.conf.d/30-bad.conf",
            "[Guests]\nUser=qemu\nUser=per-guest\nUserRange=70000-70000\n");
        CHECK_NUMBER(policy_read(root, false, &p, f), 0);
        CHECK_TEXT(p.user, POLICY_USER_PER_GUEST);
        CHECK(p.user_range.first == 70000 && p.user_range.last == 70000);
}

static void test_bad_broker(void)
{
        static const char *const expected[] = {
                "1:1: error: expected a [SECTION] before the first setting",
                "3:12: error: 'maybe' is not a boolean; must be one of: yes, no",
                "4:9: error: '0' is not a number from 1 to 100",
                "5:9: error: '101' is not a number from 1 to 100",
                "6:1: error: unknown setting Users= in this section",
                "7:9: error: 'a/b' is not a valid interface name",
                "8:9: error: '' is not a valid interface name",
                "9:1: error: unknown section [Bridge]; must be one of: [Guests], [Broker], [Bridge NAME]",
                "11:7: error: 'alice,bob' is not valid; expected a name, a number or *",
                "12:13: error: '4294967295' is not valid; expected a name, a number or *",
                "13:14: error: '52:54:00' is not valid; expected a MAC address such as 52:54:00:12:34:56, "
                "or a range FIRST-LAST",
                "14:14: error: '53:54:00:00:00:00' must be unicast addresses (first byte even), and a range "
                "must not span different first bytes",
                "15:32: error: '52:54:00:00:00:00-54:00:00:00:00:00' must be unicast addresses (first byte "
                "even), and a range must not span different first bytes",
                "16:14: error: '52:54:00:00:00:02-52:54:00:00:00:01' is empty: the last address is lower "
                "than the first",
                "17:1: error: unknown setting BridgeConf= in this section",
        };

        put("/etc/vmunit/vmunit.conf.d/30-bad.conf",
            "MaxTaps=1\n"
            "[Broker]\n"
            "BridgeConf=maybe\n"
            "MaxTaps=0\n"
            "MaxTaps=101\n"
            "Users=alice\n"
            "[Bridge a/b]\n"
            "[Bridge ]\n"
            "[Bridge]\n"
            "[Bridge br7]\n"
            "Users=alice,bob\n"
            "Groups=some 4294967295\n"
            "MACAddresses=52:54:00\n"
            "MACAddresses=53:54:00:00:00:00\n"
            "MACAddresses=52:54:00:12:34:56 52:54:00:00:00:00-54:00:00:00:00:00\n"
            "MACAddresses=52:54:00:00:00:02-52:54:00:00:00:01\n"
            "BridgeConf=yes\n");
        check_findings(expected, ELEMENTS(expected));
        put("/etc/vmunit/vmunit.conf.d/30-bad.conf", "");
        check_findings(NULL, 0);
}

static void test_bridges(void)
{
        static const uint8_t qemus[6] = { 0x52, 0x54, 0, 1, 2, 3 }, other[6] = { 0x02, 0, 0, 0, 0, 7 };
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(policy_done) Policy p = { 0 };
        const PolicyBridge *b;

        put("/etc/vmunit/vmunit.conf.d/40-a.conf",
            "[Bridge br0]\nUsers=alice  1000\nGroups=vmusers\nMaxTaps=4\n[Bridge br1]\nUsers=*\n");
        put("/etc/vmunit/vmunit.conf.d/50-b.conf",
            "[Broker]\nMaxTaps=8\n[Bridge br0]\nGroups=\nUsers=bob\nFilterMAC=no\n"
            "MACAddresses=02:00:00:00:00:00-02:00:00:00:00:07 06:00:00:00:00:01\n");
        CHECK_NUMBER(policy_read(root, false, &p, f), 0);
        CHECK_NUMBER(p.max_taps, 8);
        CHECK(!p.use_bridge_conf);
        CHECK(!policy_find_bridge(&p, "br2"));
        b = policy_find_bridge(&p, "br0");
        CHECK(b);
        CHECK_NUMBER(b->users.count, 3);
        CHECK_TEXT(b->users.items[2], "bob");
        CHECK_NUMBER(b->groups.count, 0);
        CHECK_NUMBER(b->max_taps, 4);
        CHECK(!b->filter_mac);
        CHECK(policy_allows_address(b, other));
        CHECK(!policy_allows_address(b, qemus));
        b = policy_find_bridge(&p, "br1");
        CHECK(b->filter_mac);
        CHECK_NUMBER(b->max_taps, 0);
        CHECK(policy_allows_address(b, qemus));
        CHECK(!policy_allows_address(b, other));
        CHECK(policy_allows_address(NULL, qemus));
}

/* As policy_read_bridge_conf() finds it; the text of the first finding, or NULL. */
static char *read_bridge_conf(Policy *p)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        int r;

        policy_done(p);
        r = policy_read_bridge_conf(root, p, f);
        CHECK_NUMBER(r, findings_count(f) > 0 ? -EINVAL : 0);
        return findings_count(f) > 0 ? strdup(findings_get(f, 0)->text) : NULL;
}

static void test_bridge_conf(void)
{
        static const struct {
                const char *text, *error;
        } bad[] = {
                { "allow\n", "expected \"allow BRIDGE\", \"deny BRIDGE\" or \"include FILE\"" },
                { "allow br0 br1\n", "expected \"allow BRIDGE\", \"deny BRIDGE\" or \"include FILE\"" },
                { "permit br0\n", "unknown word 'permit'; must be one of: allow, deny, include" },
                { "include more.conf\n", "'more.conf' is not an absolute path" },
                { "include /etc/qemu/absent.conf\n", "included, but does not exist" },
                { "include /etc/qemu/bridge.conf\n", "too many included files: at most 64" },
        };
        _cleanup_(policy_done) Policy p = { 0 };

        CHECK(!read_bridge_conf(&p));
        CHECK(!policy_bridge_conf_allows(&p.bridge_conf, "br0"));
        put("/etc/qemu/bridge.conf", "# ours\n\nallow br0\nallow br1\n include /etc/qemu/more.conf\n");
        put("/etc/qemu/more.conf", "deny br1\n");
        CHECK(!read_bridge_conf(&p));
        CHECK(policy_bridge_conf_allows(&p.bridge_conf, "br0"));
        CHECK(!policy_bridge_conf_allows(&p.bridge_conf, "br1"));
        CHECK(!policy_bridge_conf_allows(&p.bridge_conf, "br2"));
        put("/etc/qemu/more.conf", "allow all\n");
        CHECK(!read_bridge_conf(&p));
        CHECK(policy_bridge_conf_allows(&p.bridge_conf, "br2"));
        put("/etc/qemu/more.conf", "deny all\n");
        CHECK(!read_bridge_conf(&p));
        CHECK(!policy_bridge_conf_allows(&p.bridge_conf, "br0"));
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                _cleanup_(freep) char *error = NULL;

                put("/etc/qemu/bridge.conf", bad[i].text);
                error = read_bridge_conf(&p);
                CHECK_TEXT(error, bad[i].error);
        }
}

/* A loop stands for all that keeps a directory from being read: it does so for root, too. */
static void test_directory_that_cannot_be_listed(void)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(policy_done) Policy p = { 0 };
        _cleanup_(freep) char *other = text_format("%s/other", root), *line = NULL,
                              *loop = text_format("%s/run/vmunit/vmunit.conf.d", other),
                              *expected = text_format(
                                      "%s: error: cannot read the file: Too many levels of symbolic links",
                                      loop);

        put("/other/run/vmunit/vmunit.conf", "");
        put("/other/etc/vmunit/vmunit.conf.d", "a file is no directory, and none is no error");
        CHECK_NUMBER(symlink("vmunit.conf.d", loop), 0);
        CHECK_NUMBER(policy_read(other, false, &p, f), -EINVAL);
        CHECK_NUMBER(findings_count(f), 1);
        line = finding_format(findings_get(f, 0));
        CHECK_TEXT(line, expected);
}

/* The file that is installed shows defaults: whole, with every line of it uncommented, it is a valid policy.
 */
static void test_installed_file(const char *path)
{
        _cleanup_(findings_freep) Findings *f = findings_new(), *g = findings_new();
        _cleanup_(policy_done) Policy as_it_is = { 0 }, uncommented = { 0 };
        _cleanup_(freep) char *data = NULL, *text = NULL, *other = text_format("%s/installed", root);
        char *to;
        size_t size;

        CHECK_NUMBER(file_read(AT_FDCWD, path, 65536, &data, &size), 0);
        put("/installed/etc/vmunit/vmunit.conf", data);
        CHECK_NUMBER(policy_read(other, false, &as_it_is, f), 0);
        CHECK_NUMBER(as_it_is.n_bridges, 0);

        to = text = calloc(1, size + 1);
        for (const char *from = data; *from; from++)
                if (!(*from == '#' && (from[1] == '[' || (from[1] >= 'A' && from[1] <= 'Z'))))
                        *to++ = *from;
        put("/installed/etc/vmunit/vmunit.conf", text);
        CHECK_NUMBER(policy_read(other, false, &uncommented, g), 0);
        CHECK_NUMBER(uncommented.n_bridges, 1);
        CHECK_NUMBER(uncommented.max_taps, as_it_is.max_taps);
        CHECK(as_it_is.disks_by_descriptor);
        CHECK_NUMBER(uncommented.save_on_stop, as_it_is.save_on_stop);
        CHECK_NUMBER(uncommented.use_bridge_conf, as_it_is.use_bridge_conf);
        for (size_t i = 0; i < POLICY_SWITCHES; i++) {
                if (!uncommented.switches[i].at.file)
                        fprintf(stderr, "%s has no %s=\n", path, policy_switches[i].key);
                CHECK(uncommented.switches[i].at.file && !as_it_is.switches[i].at.file);
                CHECK_NUMBER(uncommented.switches[i].allowed, as_it_is.switches[i].allowed);
        }
        CHECK_NUMBER(uncommented.max_guests.max, 0);
        CHECK_NUMBER(uncommented.max_memory.max, 0);
        CHECK_NUMBER(uncommented.max_vcpus.max, 0);
        CHECK_NUMBER(uncommented.disk_directories.count, 0);
        CHECK_NUMBER(uncommented.disks_by_descriptor, as_it_is.disks_by_descriptor);
        CHECK_NUMBER(uncommented.image_directories.count, as_it_is.image_directories.count);
        CHECK(!as_it_is.user);
        CHECK_TEXT(uncommented.user, POLICY_USER_DEFAULT);
        CHECK_NUMBER(uncommented.user_range.first, as_it_is.user_range.first);
        CHECK_NUMBER(uncommented.user_range.last, as_it_is.user_range.last);
}

int main(int argc, char **argv)
{
        CHECK_NUMBER(argc, 2);
        CHECK(mkdtemp(root));
        test_installed_file(argv[1]);
        test_order();
        test_switches();
        test_limits();
        test_bad_limits();
        test_bad();
        test_users();
        test_bad_broker();
        test_bridges();
        test_bridge_conf();
        test_directory_that_cannot_be_listed();
        CHECK_NUMBER(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
        return 0;
}
