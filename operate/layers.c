/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The definition names the whole chain: what is behind an image is decided by who may define guests, and not
 * by the header, which the guest's QEMU writes. So it does not matter in which directory the images are.
 */

#include "operate/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/xml/write.h"
#include "operate/operation-private.h"
#include "util/text.h"

void disk_image_done(DiskImage *image)
{
        free(image->target);
        free(image->path);
        free(image->format);
        *image = (DiskImage){ 0 };
}

static bool has_child(const XmlElement *e, const char *name)
{
        for (const XmlElement *c = e ? e->first : NULL; c; c = c->next)
                if (streq(c->name, name))
                        return true;
        return false;
}

static const XmlElement *child_of(const XmlElement *e, const char *name)
{
        for (const XmlElement *c = e->first; c; c = c->next)
                if (streq(c->name, name))
                        return c;
        return NULL;
}

static bool is_disk(const Device *d)
{
        const char *kind = d->xml ? xml_peek(d->xml, "@device") : NULL;

        return d->xml && !d->xml->removed && streq(d->kind->element, "disk") &&
               xml_peek(d->xml, "target@dev") && (!kind || streq(kind, "disk") || streq(kind, "lun"));
}

int operation_list_disks(const Operation *o, Strings *ret)
{
        const Guest *g = o->now.guest;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < g->n_devices; i++) {
                const XmlElement *e = g->devices[i]->xml;

                if (is_disk(g->devices[i]) && !has_child(e, "readonly") && !has_child(e, "transient"))
                        r = strings_add(ret, xml_peek(e, "target@dev"));
        }
        return r;
}

/* NULL, or what is in the way of an overlay. */
static const char *why_not(const XmlElement *e, const char *type, const char *format)
{
        const XmlElement *source = child_of(e, "source");
        const char *kind = xml_peek(e, "@device");

        if (kind && streq(kind, "lun"))
                return "it is passed through to the guest";
        if (!streq(type, "file") && !streq(type, "block"))
                return "its image is neither a file nor a block device";
        if (!streq(format, "raw") && !streq(format, "qcow2"))
                return "its image is neither raw nor qcow2";
        if (has_child(e, "readonly"))
                return "the guest only reads it";
        if (has_child(e, "shareable"))
                return "it is shared with other guests";
        if (has_child(e, "transient"))
                return "it is transient";
        if (has_child(e, "encryption") || has_child(source, "encryption"))
                return "it is encrypted";
        if (has_child(source, "slices") || has_child(source, "dataStore"))
                return "its image is a part of a file, or has its data in another";
        return NULL;
}

static const XmlElement *find_target(const Operation *o, const char *target)
{
        const Guest *g = o->now.guest;

        for (size_t i = 0; i < g->n_devices; i++)
                if (is_disk(g->devices[i]) && streq(xml_peek(g->devices[i]->xml, "target@dev"), target))
                        return g->devices[i]->xml;
        return NULL;
}

int operation_find_disk(Operation *o, const char *target, DiskImage *ret)
{
        const XmlElement *e = find_target(o, target);
        const char *type = e ? xml_peek(e, "@type") ?: "file" : "",
                   *format = e ? xml_peek(e, "driver@type") ?: "raw" : "", *why, *path;
        DiskImage image = { .xml = e };

        if (!e)
                return operation_fail(o, -ENOENT, "the guest has no disk %s", target);
        why = why_not(e, type, format);
        if (why)
                return operation_fail(o, -EINVAL, "disk %s cannot have snapshots: %s", target, why);
        image.block = streq(type, "block");
        path = xml_peek(e, image.block ? "source@dev" : "source@file");
        image.path = path ? realpath(path, NULL) : NULL;
        if (!image.path)
                return operation_fail(
                        o, -EINVAL, "cannot find the image of disk %s: %s", target,
                        path ? strerror(errno) : "it has none");
        image.target = strdup(target);
        image.format = strdup(format);
        if (!image.target || !image.format) {
                disk_image_done(&image);
                return operation_fail(o, -ENOMEM, "out of memory");
        }
        *ret = image;
        return 0;
}

/* ——— writing ——— */

static void drop_child(XmlElement *e, const char *name)
{
        for (XmlElement *c = e->first, *next; c; c = next) {
                next = c->next;
                if (streq(c->name, name))
                        xml_remove(c);
        }
}

/* The present image as a <backingStore>, with what is behind it. */
static XmlElement *make_backing(const DiskImage *image)
{
        _cleanup_(xml_freep) XmlElement *e = xml_new("backingStore");
        const XmlElement *behind = child_of(image->xml, "backingStore");
        XmlElement *copy = behind ? operation_copy(behind) : NULL;

        if (copy && e)
                xml_append(e, copy);
        if (!e || (behind && !copy) || xml_set(e, "@type", image->block ? "block" : "file") < 0 ||
            xml_set(e, "format@type", image->format) < 0 ||
            xml_set(e, image->block ? "source@dev" : "source@file", image->path) < 0)
                return NULL;
        return TAKE_PTR(e);
}

int operation_add_overlay(Operation *o, const DiskImage *image, const char *overlay)
{
        _cleanup_(xml_freep) XmlElement *e = operation_copy(image->xml), *backing = make_backing(image);
        int r;

        if (!e || !backing)
                return operation_fail(o, -ENOMEM, "out of memory");
        drop_child(e, "source");
        drop_child(e, "backingStore");
        xml_append(e, TAKE_PTR(backing));
        r = xml_set(e, "@type", "file");
        r = r < 0 ? r : xml_set(e, "driver@name", "qemu");
        r = r < 0 ? r : xml_set(e, "driver@type", "qcow2");
        r = r < 0 ? r : xml_set(e, "source@file", overlay);
        return r < 0 ? operation_fail(o, r, "out of memory") : operation_write_disk(o, image->xml, e);
}

/* The directories say which files there are. */
int operation_sync(Operation *o)
{
        for (size_t i = 0; i < o->n_changes; i++) {
                _cleanup_(freep) char *directory = path_directory(o->changes[i].path);
                _cleanup_(closep) int fd =
                        directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

                if (fd < 0 || fsync(fd) < 0)
                        return operation_fail(
                                o, -errno, "cannot make %s durable: %s", o->changes[i].path,
                                strerror(errno));
        }
        return 0;
}
