/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which of QEMU's nodes is the image of which disk, and files of backups that another process left or has.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "operate/backup/nodes.h"
#include "operate/backup/target.h"
#include "tests/unit/test.h"

static json_t *parse(const char *text)
{
        json_error_t error;
        json_t *json = json_loads(text, 0, &error);

        if (!json)
                fprintf(stderr, "%s\n", error.text);
        CHECK(json);
        return json;
}

/* vda is behind limits, and has an overlay since the guest started; vdb is raw; vdc is a job's, too. */
static const char query[] =
        "{'disks': [{'node': 'a-filter', 'target': 'vda'}, {'node': 'b', 'target': 'vdb'},"
        " {'node': 'c', 'target': 'vdc'}, {'node': 'nowhere', 'target': 'sda'}, {'target': 'sdb'}],"
        " 'results': {'query-block': [{'inserted': {'node-name': 'a-filter'}},"
        " {'inserted': {'node-name': 'b'}}, {'inserted': {'node-name': '#block7'}}, {}],"
        " 'query-named-block-nodes': ["
        " {'node-name': 'a-filter', 'drv': 'throttle', 'ro': false},"
        " {'node-name': 'over', 'drv': 'qcow2', 'ro': false, 'image': {'virtual-size': 8192,"
        "  'actual-size': 100, 'backing-image': {'actual-size': 900}},"
        "  'dirty-bitmaps': [{'name': 'monday'}]},"
        " {'node-name': 'a', 'drv': 'qcow2', 'ro': true},"
        " {'node-name': 'b', 'drv': 'file', 'ro': false, 'image': {'virtual-size': 512}},"
        " {'node-name': '#block7', 'drv': 'copy-before-write', 'ro': false},"
        " {'node-name': 'c', 'drv': 'qcow2', 'ro': false, 'image': {'virtual-size': 4096,"
        "  'actual-size': 300}}]}}";

static const char graph[] =
        "{'nodes': [{'id': 1, 'type': 'block-driver', 'name': 'a-filter'},"
        " {'id': 2, 'type': 'block-driver', 'name': 'over'}, {'id': 3, 'type': 'block-driver', 'name': 'a'},"
        " {'id': 4, 'type': 'block-driver', 'name': 'b'}, {'id': 5, 'type': 'block-driver', 'name': "
        "'#block7'},"
        " {'id': 6, 'type': 'block-driver', 'name': 'c'}, {'id': 7, 'type': 'block-backend', 'name': 'c'}],"
        " 'edges': [{'parent': 1, 'child': 2, 'name': 'file'}, {'parent': 2, 'child': 3, 'name': 'backing'},"
        " {'parent': 5, 'child': 6, 'name': 'file'}, {'parent': 3, 'child': 2, 'name': 'backing'}]}";

static json_t *quoted(const char *text)
{
        char *copy = strdup(text);
        json_t *json;

        CHECK(copy);
        for (char *p = copy; *p; p++)
                if (*p == '\'')
                        *p = '"';
        json = parse(copy);
        free(copy);
        return json;
}

static void test_nodes(void)
{
        DiskNodes nodes;
        const DiskNode *d;

        CHECK_NUMBER(disk_nodes_read(&nodes, quoted(query), quoted(graph)), 0);
        CHECK_NUMBER(nodes.count, 3);
        d = disk_nodes_find(&nodes, "vda");
        CHECK_TEXT(d->node, "over");
        CHECK_TEXT(d->format, "qcow2");
        CHECK(d->writable);
        CHECK_NUMBER(d->size, 8192);
        CHECK_NUMBER(d->allocated, 1000);
        CHECK(disk_bitmap(d, "monday"));
        CHECK(!disk_bitmap(d, "tuesday"));
        d = disk_nodes_find(&nodes, "vdb");
        CHECK_TEXT(d->node, "b");
        CHECK_TEXT(d->format, "raw");
        CHECK_NUMBER(d->allocated, 0);
        d = disk_nodes_find(&nodes, "vdc");
        CHECK_TEXT(d->node, "c");
        CHECK_NUMBER(d->allocated, 300);
        CHECK(!disk_nodes_find(&nodes, "sda"));
        disk_nodes_done(&nodes);

        /* a QEMU without a graph, or that says nothing at all */
        CHECK_NUMBER(disk_nodes_read(&nodes, quoted(query), NULL), 0);
        CHECK_NUMBER(nodes.count, 2);
        CHECK_TEXT(nodes.items[0].target, "vdb");
        disk_nodes_done(&nodes);
        CHECK_NUMBER(disk_nodes_read(&nodes, quoted("{}"), quoted("{'nodes': 1, 'edges': [1]}")), 0);
        CHECK_NUMBER(nodes.count, 0);
        disk_nodes_done(&nodes);
}

static bool is_there(int directory, const char *name)
{
        struct stat st;

        return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) >= 0;
}

static void test_targets(void)
{
        char path[] = "/tmp/test-backup-XXXXXX";
        int directory, left;
        Target t, other;

        CHECK(mkdtemp(path));
        directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK_NUMBER(target_create(&t, directory, "vda.qcow2"), 0);
        CHECK_NUMBER(target_create(&other, directory, "vda.qcow2"), 0);
        CHECK_NUMBER(target_reserve(&t, 1 << 20), 0);
        CHECK_NUMBER(write(t.fd, "abc", 3), 3);
        CHECK(!is_there(directory, "vda.qcow2"));
        CHECK_NUMBER(target_sync(&t), 0);
        CHECK_NUMBER(target_name(&t), 0);
        CHECK_NUMBER(target_name(&other), -EEXIST);
        target_done(&t);
        target_done(&other);
        CHECK(is_there(directory, "vda.qcow2"));
        CHECK_NUMBER(target_create(&t, directory, "vda.qcow2"), -EEXIST);
        target_done(&t);

        /* where files need names */
        CHECK_NUMBER(target_create_named(&t, directory, "vdb.qcow2"), 0);
        CHECK(is_there(directory, "vdb.qcow2.partial"));
        CHECK_NUMBER(target_create_named(&other, directory, "vdb.qcow2"), -EBUSY);
        target_done(&other);
        CHECK(is_there(directory, "vdb.qcow2.partial"));
        target_done(&t);
        CHECK(!is_there(directory, "vdb.qcow2.partial"));
        left = openat(directory, "vdb.qcow2.partial", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CHECK(left >= 0);
        (void) close(left);
        CHECK_NUMBER(target_create_named(&t, directory, "vdb.qcow2"), 0);
        CHECK_NUMBER(target_name(&t), 0);
        target_done(&t);
        CHECK(is_there(directory, "vdb.qcow2"));
        CHECK(!is_there(directory, "vdb.qcow2.partial"));

        CHECK_NUMBER(unlinkat(directory, "vda.qcow2", 0), 0);
        CHECK_NUMBER(unlinkat(directory, "vdb.qcow2", 0), 0);
        (void) close(directory);
        CHECK_NUMBER(rmdir(path), 0);
}

int main(void)
{
        test_nodes();
        test_targets();
        return EXIT_SUCCESS;
}
