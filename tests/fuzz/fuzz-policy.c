/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as vmunit.conf, and after a NUL as QEMU's bridge.conf. Beyond not crashing, the target checks
 * this: a policy is valid only if there is no error among the findings, each finding has its place in the
 * file, no value is beyond its limit, and the same bytes give the same findings.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "policy/policy.h"
#include "tests/unit/test.h"
#include "util/file.h"
#include "util/interface-name.h"

#define VMUNIT_CONF "etc/vmunit/vmunit.conf"
#define BRIDGE_CONF "etc/qemu/bridge.conf"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/fuzz-policy-XXXXXX";

static void remove_root(void)
{
        static const char *const names[] = {
                VMUNIT_CONF, BRIDGE_CONF, "etc/vmunit", "etc/qemu", "etc", "",
        };

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                _cleanup_(freep) char *path = text_format("%s/%s", root, names[i]);

                if (path)
                        (void) remove(path);
        }
}

static void make_root(void)
{
        _cleanup_(closep) int fd = -EBADF;

        CHECK(mkdtemp(root));
        CHECK_NUMBER(atexit(remove_root), 0);
        fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(fd >= 0);
        CHECK_NUMBER(file_make_directories(fd, "etc/vmunit", 0700), 0);
        CHECK_NUMBER(file_make_directories(fd, "etc/qemu", 0700), 0);
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
        _cleanup_(freep) char *path = text_format("%s/%s", root, name);
        _cleanup_(closep) int fd = -EBADF;

        CHECK(path);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        CHECK(fd >= 0);
        CHECK_NUMBER(write(fd, data, size), (ssize_t) size);
}

static void check_limits(const Policy *p)
{
        CHECK(p->image_directories.count <= POLICY_DIRECTORIES_MAX);
        CHECK(p->disk_directories.count <= POLICY_DIRECTORIES_MAX);
        for (size_t i = 0; i < p->image_directories.count; i++)
                CHECK(p->image_directories.items[i][0] == '/');
        for (size_t i = 0; i < p->disk_directories.count; i++)
                CHECK(p->disk_directories.items[i][0] == '/');
        CHECK(!p->user || !policy_user_fault(p->user));
        CHECK(p->user_range.first <= p->user_range.last && p->user_range.first > 0);
        CHECK(p->max_taps <= POLICY_TAPS_MAX);
        for (size_t i = 0; i < p->n_bridges; i++) {
                const PolicyBridge *b = &p->bridges[i];

                CHECK(interface_name_is_valid(b->name));
                CHECK(policy_find_bridge(p, b->name) == b);
                CHECK(b->max_taps <= POLICY_TAPS_MAX);
                for (size_t j = 0; j < b->n_ranges; j++)
                        CHECK(b->ranges[j].first <= b->ranges[j].last && b->ranges[j].last >> 48 == 0);
        }
        CHECK(p->disks_by_descriptor || p->switches[POLICY_CHOWN].allowed);
}

/* The findings, one a line. */
static char *read_policy(void)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        _cleanup_(policy_done) Policy p = { 0 };
        char *all = strdup("");
        int r;

        CHECK(findings && all);
        r = policy_read(root, false, &p, findings);
        CHECK(r == 0 || r == -EINVAL);
        CHECK(findings_failed(findings) == (r < 0));
        if (r == 0)
                check_limits(&p);
        r = policy_read_bridge_conf(root, &p, findings);
        CHECK(r == 0 || r == -EINVAL);
        CHECK(findings_failed(findings) == (r < 0));
        if (p.bridge_conf.deny_all)
                CHECK(!policy_bridge_conf_allows(&p.bridge_conf, "br0"));
        for (size_t i = 0; i < findings_count(findings); i++) {
                _cleanup_(freep) char *before = all, *line = finding_format(findings_get(findings, i));

                CHECK(line && text_after(line, root));
                for (const char *c = line; *c; c++)
                        CHECK((unsigned char) *c >= ' ' && *c != 0x7f);
                all = text_format("%s%s\n", before, line);
                CHECK(all);
        }
        return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(freep) char *first = NULL, *second = NULL;
        const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
        size_t n = end ? (size_t) (end - data) : size;
        static bool made = false;

        if (!made)
                make_root();
        made = true;
        /* an included file outside of the root could be one that never ends */
        if (size > 1 && memmem(data, size, "..", 2))
                return 0;
        write_file(VMUNIT_CONF, data, n);
        write_file(BRIDGE_CONF, end ? end + 1 : data, end ? size - n - 1 : 0);
        first = read_policy();
        second = read_policy();
        CHECK_TEXT(second, first);
        return 0;
}
