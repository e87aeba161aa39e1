/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "launcher/grant/chain.h"
#include "tests/unit/test.h"

static void test_resolve(void)
{
        static const char *const good[][3] = {
                { "/images/top.qcow2", "base.qcow2", "/images/base.qcow2" },
                { "/images/top.qcow2", "../other/base", "/images/../other/base" },
                { "/images/top.qcow2", "/srv/a:b", "/srv/a:b" },
                { "/top.qcow2", "base", "/base" },
                { "/images/top.qcow2", "./a:b", "/images/./a:b" },
        };

        for (size_t i = 0; i < ELEMENTS(good); i++) {
                _cleanup_(freep) char *path = NULL;

                CHECK_NUMBER(chain_resolve(good[i][0], good[i][1], &path), 0);
                CHECK_TEXT(path, good[i][2]);
        }
        for (const char **bad = (const char *[]){ "nbd://host/x", "json:{\"driver\":\"raw\"}", "file:/x",
                                                  "a:b", ":x", NULL };
             *bad; bad++) {
                char *path = NULL;

                CHECK_NUMBER(chain_resolve("/images/top.qcow2", *bad, &path), -EPROTONOSUPPORT);
                CHECK(!path);
        }
}

static void test_near(void)
{
        _cleanup_(strings_done) Strings directories = { 0 };

        CHECK(chain_is_beside("/a/top", "/a/base"));
        CHECK(!chain_is_beside("/a/top", "/b/base"));
        CHECK(!chain_is_beside("/a/top", "/a/sub/base"));
        CHECK(!chain_is_beside("/a/sub/top", "/a/base"));
        CHECK(!chain_is_beside("/var/lib/vm/a/top", "/var/lib/vm/b/nvram.fd"));
        CHECK(!chain_is_listed(
                "/var/lib/libvirt/images/base", NULL)); /* where every guest's disks may lie */
        CHECK_NUMBER(strings_add(&directories, "/srv/base/"), 0);
        CHECK(chain_is_listed("/srv/base/x", &directories));
        CHECK(!chain_is_listed("/srv/basement", &directories));
        CHECK(!chain_is_listed("/srv/base/sub/x", &directories));
        CHECK_NUMBER(strings_add(&directories, "/"), 0);
        CHECK(chain_is_listed("/x", &directories));
        CHECK(!chain_is_listed("/etc/shadow", &directories));
}

int main(void)
{
        test_resolve();
        test_near();
        CHECK(chain_format_is_known("raw") && chain_format_is_known("qcow2"));
        CHECK(!chain_format_is_known("vmdk") && !chain_format_is_known(""));
        return 0;
}
