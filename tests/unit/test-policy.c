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
        Policy p = { 0 };

        put("/usr/lib/vmunit/vmunit.conf", "[Guests]\nAllowQemuCommandline=no\n");
        put("/etc/vmunit/vmunit.conf", "# ours\n[Guests]\nImageDirectories=/srv/images /data\n");
        put("/run/vmunit/vmunit.conf.d/10-a.conf", "[Guests]\nAllowHostDevices=no\n");
        put("/usr/lib/vmunit/vmunit.conf.d/20-b.conf",
            "[Guests]\nImageDirectories=\nImageDirectories=/only\n");
        put("/etc/vmunit/vmunit.conf.d/20-b.conf", "[Guests]\nAllowHostDevices = yes\n");
        CHECK_NUMBER(policy_read(root, false, &p, f), 0);
        CHECK_NUMBER(findings_count(f), 0);
        CHECK(p.allow_qemu_commandline); /* /etc hides /usr/lib whole */
        CHECK(p.allow_host_devices);
        CHECK_NUMBER(p.image_directories.count, 2);
        CHECK_TEXT(p.image_directories.items[1], "/data");
        policy_done(&p);
}

static void test_bad(void)
{
        _cleanup_(findings_freep) Findings *f = findings_new();
        _cleanup_(freep) char
                *expected = text_format(
                        "%s/etc/vmunit/vmunit.conf.d/30-bad.conf:2:1: error: Nonsense= is not known", root),
                *line = NULL;
        Policy p = { 0 };

        put("/etc/vmunit/vmunit.conf.d/30-bad.conf",
            "[Guests]\nNonsense=1\nAllowHostDevices=perhaps\nImageDirectories=relative\nwhat\n[Other]\n");
        CHECK_NUMBER(policy_read(root, false, &p, f), -EINVAL);
        CHECK_NUMBER(findings_count(f), 5);
        line = finding_format(findings_get(f, 0));
        CHECK_TEXT(line, expected);
        policy_done(&p);
}

int main(void)
{
        CHECK(mkdtemp(root));
        test_order();
        test_bad();
        CHECK_NUMBER(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
        return 0;
}
