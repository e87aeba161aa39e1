/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "operate/overlay.h"
#include "operate/snapshot.h"
#include "tests/unit/test.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FORMER(target, format, path) \
        "<disk><driver type='" format "'/><source file='" path "'/><target dev='" target "'/></disk>"

static char directory[] = "/tmp/test-snapshot.XXXXXX";

static char *path_of(const char *name)
{
        char *path = text_format("%s/%s", directory, name);

        CHECK(path);
        return path;
}

static void save(const char *where, const char *name, const char *parent, uint64_t created)
{
        Snapshot s = { .name = strdup(name),
                       .parent = parent ? strdup(parent) : NULL,
                       .description = strdup("a < b & 'c'"),
                       .state = strdup("shutoff"),
                       .created = created };
        _cleanup_(freep) char *overlay = text_format("/srv/a&b.%s", name);

        CHECK_NUMBER(
                snapshot_add_disk(
                        &s, "vda", overlay, "/srv/a&b.raw", "raw", FORMER("vda", "raw", "/srv/a&amp;b.raw")),
                0);
        CHECK_NUMBER(
                snapshot_add_disk(&s, "vdb", "/srv/c", "/srv/d", "qcow2", FORMER("vdb", "qcow2", "/srv/d")),
                0);
        CHECK_NUMBER(snapshot_save(where, "one", &s), 0);
        snapshot_done(&s);
}

static void put(const char *where, const char *name, const char *text)
{
        _cleanup_(freep) char *path = text_format("%s/%s", where, name);

        CHECK(path);
        CHECK_NUMBER(file_write_atomic(AT_FDCWD, path, text, strlen(text), 0600, 0), 0);
}

/* What is written is read, the oldest first, and the rest is said. */
static void test_store(void)
{
        _cleanup_(freep) char *where = path_of("one.snapshots");
        _cleanup_(strings_done) Strings damaged = { 0 };
        _cleanup_(snapshots_done) Snapshots all = { 0 };
        const Snapshot *s;

        CHECK_NUMBER(snapshots_load(where, &all, &damaged), 0);
        CHECK_NUMBER(all.count, 0);
        save(where, "young", "old", 20);
        save(where, "old", NULL, 10);
        put(where, "broken.xml", "<domainsnapshot>");
        put(where, "other.xml", "<domainsnapshot><name>another</name></domainsnapshot>");
        put(where, "note", "not XML");
        CHECK_NUMBER(snapshots_load(where, &all, &damaged), 0);
        CHECK_NUMBER(all.count, 2);
        CHECK_NUMBER(damaged.count, 2);
        CHECK_TEXT(all.items[0].name, "old");
        CHECK(!all.items[0].parent);
        s = snapshots_find(&all, "young");
        CHECK(s);
        CHECK_TEXT(s->parent, "old");
        CHECK_TEXT(s->description, "a < b & 'c'");
        CHECK_TEXT(s->state, "shutoff");
        CHECK_NUMBER(s->created, 20);
        CHECK_NUMBER(s->n_disks, 2);
        CHECK_TEXT(snapshot_find_disk(s, "vda")->overlay, "/srv/a&b.young");
        CHECK_TEXT(snapshot_find_disk(s, "vda")->base, "/srv/a&b.raw");
        CHECK_TEXT(snapshot_find_disk(s, "vdb")->base_format, "qcow2");
        CHECK(!snapshot_find_disk(s, "vdc"));
        CHECK(!snapshot_is_internal(s));
        CHECK(snapshots_find_overlay(&all, "/srv/a&b.young") == s);
        CHECK(!snapshots_find(&all, "none"));
        CHECK(!snapshots_find(&all, NULL));

        CHECK_NUMBER(snapshot_remove(where, "young"), 0);
        CHECK_NUMBER(snapshot_remove(where, "young"), 0);
        CHECK_NUMBER(directory_remove(where), 0);
}

static void test_size(void)
{
        static const uint8_t header[32] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3, [28] = 0, 0x10 };
        _cleanup_(freep) char *path = path_of("image");
        uint64_t size;

        CHECK_NUMBER(file_write_atomic(AT_FDCWD, path, header, sizeof(header), 0600, 0), 0);
        CHECK_NUMBER(overlay_size_of(path, "qcow2", &size), 0);
        CHECK_NUMBER(size, 0x100000);
        CHECK_NUMBER(overlay_size_of(path, "raw", &size), 0);
        CHECK_NUMBER(size, 32);
        CHECK_NUMBER(overlay_size_of(path, "vmdk", &size), -EMEDIUMTYPE);
        CHECK_NUMBER(truncate(path, 31), 0);
        CHECK_NUMBER(overlay_size_of(path, "qcow2", &size), -EBADMSG);
        CHECK_NUMBER(unlink(path), 0);
        CHECK_NUMBER(overlay_size_of(path, "raw", &size), -ENOENT);
}

/* What a header may have QEMU open; version 2 has no features. */
static void test_header(void)
{
        uint8_t bytes[104] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3, [28] = 0, 0x10, [79] = 1 << 2 };
        _cleanup_(freep) char *path = path_of("image");
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        ImageHeader header;

        CHECK_NUMBER(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
        CHECK_NUMBER(image_read_header(fd, &header), 0);
        CHECK(header.has_data && !header.has_backing);
        CHECK_NUMBER(header.size, 0x100000);
        bytes[7] = 2;
        bytes[15] = 1;
        CHECK_NUMBER(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
        CHECK_NUMBER(image_read_header(fd, &header), 0);
        CHECK(!header.has_data && header.has_backing);
        bytes[0] = 'q';
        CHECK_NUMBER(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
        CHECK_NUMBER(image_read_header(fd, &header), -EBADMSG);
        CHECK_NUMBER(unlink(path), 0);
}

int main(void)
{
        CHECK(mkdtemp(directory));
        test_store();
        test_size();
        test_header();
        CHECK_NUMBER(rmdir(directory), 0);
        return 0;
}
