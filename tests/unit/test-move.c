/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What moving a disk to another image writes into a guest's definition, and what QEMU would have then. */

#include "operate/move.h"
#include "tests/unit/test.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define GUEST                                                                                               \
        "<domain type='qemu'><name>one</name><memory>32768</memory>"                                        \
        "<uuid>7e0c8f5a-3d5f-4c35-9d0a-2f1c5b7a9e10</uuid><os><type machine='q35'>hvm</type></os><devices>" \
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none' discard='unmap'%s/>" \
        "<source file='%s/old.qcow2'/><target dev='vda' "                                                   \
        "bus='virtio'/><iotune><read_iops_sec>10</read_iops_sec>"                                           \
        "</iotune><backingStore type='file'><format type='raw'/><source "                                   \
        "file='%s/base.raw'/></backingStore>"                                                               \
        "</disk></devices></domain>"

static char directory[] = "/tmp/test-move.XXXXXX";

static char *put(const char *name, const char *data)
{
        char *path = text_format("%s/%s", directory, name);

        CHECK(path);
        CHECK_NUMBER(file_write_atomic(AT_FDCWD, path, data, strlen(data), 0600, 0), 0);
        return path;
}

static const char *text_at(const json_t *json, const char *key)
{
        return json_string_value(json_object_get(json, key));
}

/* Without writing. */
static void try(Operation *o, const DiskImage *image)
{
        json_t *storage = NULL, *format = NULL;

        CHECK_NUMBER(
                operation_try_move(o, image, &(ChainImage){ "/srv/new", "qcow2", false }, &storage, &format),
                0);
        CHECK_TEXT(text_at(storage, "driver"), "file");
        CHECK_TEXT(text_at(storage, "filename"), "/srv/new");
        CHECK(json_is_true(json_object_get(json_object_get(storage, "cache"), "direct")));
        CHECK_TEXT(text_at(format, "driver"), "qcow2");
        CHECK_TEXT(text_at(format, "discard"), "unmap");
        CHECK(json_is_null(json_object_get(format, "backing")));
        json_decref(storage);
        json_decref(format);

        storage = format = NULL;
        CHECK_NUMBER(
                operation_try_move(o, image, &(ChainImage){ "/dev/new", "raw", true }, &storage, &format),
                0);
        CHECK_TEXT(text_at(storage, "driver"), "host_device");
        CHECK(!format);
        json_decref(storage);
        CHECK(o->n_changes == 0);
}

static void test_move(const char *file)
{
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(disk_image_done) DiskImage image = { 0 }, moved = { 0 };
        ChainImage chain[CHAIN_IMAGES_MAX];
        Operation o, second;

        CHECK_NUMBER(host_read(&host, NULL, true), 0);
        CHECK_NUMBER(operation_lock(&o, &host, "one", file, true), 0);
        CHECK_NUMBER(operation_start(&o, LASTING_ALWAYS), 0);
        CHECK_NUMBER(operation_find_disk(&o, "vda", &image), 0);
        CHECK_NUMBER(disk_image_chain(&image, chain), 2);
        CHECK_NUMBER(operation_lock(&second, &host, "one", file, false), -EWOULDBLOCK);
        operation_done(&second);
        try(&o, &image);

        CHECK_NUMBER(operation_move_disk(&o, &image, &(ChainImage){ chain[1].path, "qcow2", false }), 0);
        CHECK_NUMBER(operation_find_disk(&o, "vda", &moved), 0);
        CHECK_NUMBER(disk_image_chain(&moved, chain), 1);
        CHECK_TEXT(strrchr(chain[0].path, '/'), "/base.raw");
        CHECK_TEXT(chain[0].format, "qcow2");
        CHECK_TEXT(xml_peek(moved.xml, "driver@cache"), "none");
        CHECK(xml_peek(moved.xml, "iotune/read_iops_sec"));
        CHECK(xml_peek_child(moved.xml, "backingStore"));

        CHECK_NUMBER(operation_revert(&o), 0);
        operation_done(&o);
}

/* A guest that would be refused with the copy. */
static void test_refused(const char *file)
{
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(disk_image_done) DiskImage image = { 0 };
        json_t *storage = NULL, *format = NULL;
        Operation o;

        CHECK_NUMBER(host_read(&host, NULL, true), 0);
        CHECK_NUMBER(operation_lock(&o, &host, "one", file, true), 0);
        CHECK_NUMBER(operation_start(&o, LASTING_ALWAYS), 0);
        CHECK_NUMBER(operation_find_disk(&o, "vda", &image), 0);
        CHECK_NUMBER(
                operation_try_move(&o, &image, &(ChainImage){ "/srv/new", "raw", false }, &storage, &format),
                -EINVAL);
        CHECK(o.why && strstr(o.why, "would be refused with /srv/new"));
        CHECK(o.n_changes == 0);
        operation_done(&o);
}

static char *write_guest(const char *option)
{
        _cleanup_(freep) char *xml = text_format(GUEST, option, directory, directory);

        CHECK(xml);
        return put("vmunit/guests/one.xml", xml);
}

int main(void)
{
        _cleanup_(freep) char *old = NULL, *base = NULL, *file = NULL, *guests = NULL, *command = NULL;
        _cleanup_(freep) char *run = NULL;

        CHECK(mkdtemp(directory));
        CHECK_NUMBER(setenv("XDG_CONFIG_HOME", directory, 1), 0);
        run = text_format("%s/run", directory);
        CHECK(run && setenv("XDG_RUNTIME_DIR", run, 1) == 0);
        guests = text_format("mkdir -p %s/vmunit/guests", directory);
        command = text_format("rm -r %s", directory);
        CHECK(guests && command && system(guests) == 0);
        old = put("old.qcow2", "");
        base = put("base.raw", "");
        file = write_guest("");
        test_move(file);
        free(file);
        file = write_guest(" discard_no_unref='on'");
        test_refused(file);
        CHECK_NUMBER(system(command), 0);
        return 0;
}
