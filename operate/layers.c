/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The definition names the whole chain: what is behind an image is decided by who may define guests, and not
 * by the header, which the guest's QEMU writes. So it does not matter in which directory the images are.
 */

#include "operate/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/xml/write.h"
#include "operate/operation-private.h"
#include "operate/overlay.h"
#include "util/text.h"

void disk_image_done(DiskImage *image)
{
        free(image->target);
        free(image->path);
        free(image->format);
        *image = (DiskImage){ 0 };
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

                if (is_disk(g->devices[i]) && !xml_peek_child(e, "readonly") &&
                    !xml_peek_child(e, "transient"))
                        r = strings_add(ret, xml_peek(e, "target@dev"));
        }
        return r;
}

/* Of "-device", without the node, which is another one under an overlay. */
static uint64_t hash_device(const char *text)
{
        json_t *json = json_loads(text, 0, NULL);
        _cleanup_(freep) char *rest = NULL;
        uint64_t hash;

        (void) json_object_del(json, "drive");
        rest = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        json_decref(json);
        hash = text_hash(rest ?: text, strlen(rest ?: text));
        return hash;
}

uint64_t operation_machine(const Operation *o)
{
        static const char *const options[] = { "-machine", "-cpu", "-m", "-smp", "-device", "-accel" };
        const Strings *argv = &o->now.plan.argv;
        uint64_t hash = 1;

        for (size_t i = 0; i + 1 < argv->count; i++)
                for (size_t j = 0; j < ELEMENTS(options); j++)
                        if (streq(argv->items[i], options[j]))
                                hash = hash * 31 + hash_device(argv->items[i + 1]);
        return hash;
}

/* NULL, or what is in the way of an overlay. */
static const char *why_not(const XmlElement *e, const char *type, const char *format)
{
        const XmlElement *source = xml_peek_child(e, "source");
        const char *kind = xml_peek(e, "@device");

        if (kind && streq(kind, "lun"))
                return "it is passed through to the guest";
        if (!streq(type, "file") && !streq(type, "block"))
                return "its image is neither a file nor a block device";
        if (!streq(format, "raw") && !streq(format, "qcow2"))
                return "its image is neither raw nor qcow2";
        if (xml_peek_child(e, "readonly"))
                return "the guest only reads it";
        if (xml_peek_child(e, "shareable"))
                return "it is shared with other guests";
        if (xml_peek_child(e, "transient"))
                return "it is transient";
        if (xml_peek_child(e, "encryption") || xml_peek_child(source, "encryption"))
                return "it is encrypted";
        if (xml_peek_child(source, "slices") || xml_peek_child(source, "dataStore"))
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

/* What is changed of it would be gone with the change that lasts until then. */
static bool is_changed_until_off(const Operation *o, const XmlElement *disk)
{
        return disk->fragment && disk->instead_of && o->over && path_is_in(disk->place.file, o->over);
}

/* -EPERM with `why` for an image that others than root could replace: root opens it, and names it in the
 * definition. */
static int check_way(Operation *o, const char *path)
{
        int r = o->host->user_scope ? 0 : image_check_way(path);

        return r == -EPERM ? operation_fail(
                                     o, r,
                                     "not only root can change the directories on the way to %s, so that "
                                     "another file could take its place; move the image",
                                     path)
               : r < 0 ? operation_fail(o, r, "cannot look at %s: %s", path, strerror(-r))
                       : 0;
}

/* Of the images behind it, too: they are written when those over them go. */
static int check_ways(Operation *o, const DiskImage *image)
{
        ChainImage chain[CHAIN_IMAGES_MAX];
        size_t n = disk_image_chain(image, chain);
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = check_way(o, chain[i].path);
        return r;
}

int operation_find_disk(Operation *o, const char *target, DiskImage *ret)
{
        const XmlElement *e = find_target(o, target);
        const char *type = e ? xml_peek(e, "@type") ?: "file" : "",
                   *format = e ? xml_peek(e, "driver@type") ?: "raw" : "", *why, *path;
        DiskImage image = { .xml = e };
        int r;

        if (!e)
                return operation_fail(o, -ENOENT, "the guest has no disk %s", target);
        why = why_not(e, type, format);
        if (why)
                return operation_fail(
                        o, -EINVAL, "the images of disk %s cannot be changed: %s", target, why);
        if (is_changed_until_off(o, e))
                return operation_fail(
                        o, -EINVAL,
                        "disk %s has a change that lasts until the guest is off (%s): make it again with "
                        "--persistent, or remove that file, and try again",
                        target, e->place.file);
        image.block = streq(type, "block");
        path = xml_peek(e, image.block ? "source@dev" : "source@file");
        image.path = path ? realpath(path, NULL) : NULL;
        if (!image.path)
                return operation_fail(
                        o, -EINVAL, "cannot find the image of disk %s: %s", target,
                        path ? strerror(errno) : "it has none");
        image.target = strdup(target);
        image.format = strdup(format);
        r = image.target && image.format ? check_way(o, path) : operation_fail(o, -ENOMEM, "out of memory");
        r = r < 0 ? r : check_ways(o, &image);
        if (r < 0) {
                disk_image_done(&image);
                return r;
        }
        *ret = image;
        return 0;
}

/* ——— writing ——— */

/* The image as a <backingStore>, with what is behind it. */
static XmlElement *make_backing(const XmlElement *disk, const char *path, const char *format, bool block)
{
        _cleanup_(xml_freep) XmlElement *e = xml_new("backingStore");
        const XmlElement *behind = xml_peek_child(disk, "backingStore");
        XmlElement *copy = behind ? operation_copy(behind) : NULL;

        if (copy && e)
                xml_append(e, copy);
        if (!e || (behind && !copy) || xml_set(e, "@type", block ? "block" : "file") < 0 ||
            xml_set(e, "format@type", format) < 0 ||
            xml_set(e, block ? "source@dev" : "source@file", path) < 0)
                return NULL;
        return TAKE_PTR(e);
}

/* A copy of the disk with the overlay; NULL if out of memory. */
static XmlElement *with_overlay(
        const XmlElement *disk, const char *path, const char *format, bool block, const char *overlay)
{
        _cleanup_(xml_freep) XmlElement *e = operation_copy(disk),
                                        *backing = make_backing(disk, path, format, block);

        if (!e || !backing)
                return NULL;
        xml_remove_children(e, "source");
        xml_remove_children(e, "backingStore");
        xml_append(e, TAKE_PTR(backing));
        if (xml_set(e, "@type", "file") < 0 || xml_set(e, "driver@name", "qemu") < 0 ||
            xml_set(e, "driver@type", "qcow2") < 0 || xml_set(e, "source@file", overlay) < 0)
                return NULL;
        return TAKE_PTR(e);
}

int operation_add_overlay(Operation *o, const DiskImage *image, const char *overlay)
{
        _cleanup_(xml_freep) XmlElement *e =
                with_overlay(image->xml, image->path, image->format, image->block, overlay);

        return e ? operation_write_disk(o, image->xml, e) : operation_fail(o, -ENOMEM, "out of memory");
}

int operation_revert_disk(
        Operation *o, const DiskImage *image, const char *former, const char *base, const char *overlay)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        _cleanup_(xml_freep) XmlElement *disk =
                findings ? xml_parse(image->xml->place.file, former, strlen(former), findings) : NULL;
        _cleanup_(xml_freep) XmlElement *e = NULL;
        const char *type = disk ? xml_peek(disk, "@type") : NULL,
                   *format = disk ? xml_peek(disk, "driver@type") : NULL;

        if (disk)
                e = with_overlay(disk, base, format ?: "raw", type && streq(type, "block"), overlay);
        return e ? operation_write_disk(o, image->xml, e) : operation_fail(o, -ENOMEM, "out of memory");
}

char *disk_image_write(const DiskImage *image)
{
        _cleanup_(xml_freep) XmlElement *e = operation_copy(image->xml);

        if (!e || xml_set(e, image->block ? "source@dev" : "source@file", image->path) < 0 ||
            xml_set(e, "driver@name", "qemu") < 0 || xml_set(e, "driver@type", image->format) < 0)
                return NULL;
        return xml_write(e);
}

size_t disk_image_chain(const DiskImage *image, ChainImage ret[static CHAIN_IMAGES_MAX])
{
        const XmlElement *e = xml_peek_child(image->xml, "backingStore");
        size_t n = 1;

        ret[0] = (ChainImage){ image->path, image->format, image->block };
        for (; e && xml_peek(e, "@type") && n < CHAIN_IMAGES_MAX; e = xml_peek_child(e, "backingStore")) {
                bool block = streq(xml_peek(e, "@type"), "block");
                const char *path = xml_peek(e, block ? "source@dev" : "source@file"),
                           *format = xml_peek(e, "format@type");

                if (!path || !format)
                        break;
                ret[n++] = (ChainImage){ path, format, block };
        }
        return n;
}

/* The <backingStore> of that depth, from 1. */
static XmlElement *level(const XmlElement *disk, size_t depth)
{
        const XmlElement *e = disk;

        while (e && depth-- > 0)
                e = xml_peek_child(e, "backingStore");
        return (XmlElement *) e;
}

static int replace_child(XmlElement *parent, const char *name, const XmlElement *with)
{
        XmlElement *copy = with ? operation_copy(with) : NULL;

        if (with && !copy)
                return -ENOMEM;
        xml_remove_children(parent, name);
        if (copy)
                xml_append(parent, copy);
        return 0;
}

static const char *path_of(const XmlElement *image)
{
        return xml_peek(image, "source@file") ?: xml_peek(image, "source@dev");
}

int disk_text_drop_image(const char *disk, const char *path, char **ret)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        _cleanup_(xml_freep) XmlElement *root =
                findings ? xml_parse("", disk, strlen(disk), findings) : NULL;
        const XmlElement *behind;
        XmlElement *over = root;

        if (!root)
                return findings ? -EBADMSG : -ENOMEM;
        while ((behind = xml_peek_child(over, "backingStore")) && !streq_null(path_of(behind), path))
                over = (XmlElement *) behind;
        if (!behind)
                return 0;
        if (replace_child(over, "backingStore", xml_peek_child(behind, "backingStore")) < 0)
                return -ENOMEM;
        *ret = xml_write(root);
        return *ret ? 1 : -ENOMEM;
}

/* The disk becomes what that <backingStore> describes. */
static int make_top(XmlElement *disk, const XmlElement *backing)
{
        const XmlElement *behind = xml_peek_child(backing, "backingStore");
        int r = xml_set(disk, "@type", xml_peek(backing, "@type"));

        r = r < 0 ? r : xml_set(disk, "driver@type", xml_peek(backing, "format@type"));
        r = r < 0 ? r : replace_child(disk, "source", xml_peek_child(backing, "source"));
        return r < 0 ? r : replace_child(disk, "backingStore", behind);
}

static bool same_attributes(const XmlElement *a, const XmlElement *b)
{
        if (a->n_attributes != b->n_attributes)
                return false;
        for (size_t i = 0; i < a->n_attributes; i++) {
                _cleanup_(freep) char *path = text_format("@%s", a->attributes[i].name);

                if (!path || !streq_null(xml_peek(b, path), a->attributes[i].value))
                        return false;
        }
        return true;
}

static size_t count_children(const XmlElement *e)
{
        size_t n = 0;

        for (const XmlElement *c = e->first; c; c = c->next)
                n++;
        return n;
}

/* Whether they say the same, in whatever order. */
static bool same_element(const XmlElement *a, const XmlElement *b)
{
        if (!streq(a->name, b->name) || !streq(a->text ?: "", b->text ?: "") || !same_attributes(a, b) ||
            count_children(a) != count_children(b))
                return false;
        for (const XmlElement *c = a->first; c; c = c->next) {
                const XmlElement *other = xml_peek_child(b, c->name);

                while (other && !(streq(other->name, c->name) && same_element(c, other)))
                        other = other->next;
                if (!other)
                        return false;
        }
        return true;
}

/* The header of an image is written by the guest's QEMU, and has no say in what is behind it. */
int operation_end_chain(XmlElement *disk)
{
        XmlElement *end = xml_new("backingStore");

        if (!end)
                return -ENOMEM;
        xml_remove_children(disk, "backingStore");
        xml_append(disk, end);
        return 0;
}

int operation_put_disk(Operation *o, const XmlElement *disk, const XmlElement *e)
{
        const XmlElement *original = disk->instead_of;
        int r;

        if (!original || !same_element(e, original))
                return operation_write_disk(o, disk, e);
        r = operation_write(o, disk->place.file, NULL);
        return r < 0 ? r : operation_check(o);
}

int operation_drop_images(Operation *o, const DiskImage *image, size_t first, size_t count)
{
        const XmlElement *disk = image->xml, *behind = level(disk, first + count);
        _cleanup_(xml_freep) XmlElement *e = operation_copy(disk);
        int r;

        if (!behind)
                return operation_fail(
                        o, -EINVAL, "the definition names no image behind disk %s", image->target);
        if (!e)
                return operation_fail(o, -ENOMEM, "out of memory");
        r = first == 0 ? make_top(e, behind) : replace_child(level(e, first - 1), "backingStore", behind);
        return r < 0 ? operation_fail(o, r, "out of memory") : operation_put_disk(o, disk, e);
}

int operation_end_disk(Operation *o, const DiskImage *image)
{
        _cleanup_(xml_freep) XmlElement *e = operation_copy(image->xml);

        return e && operation_end_chain(e) >= 0 ? operation_put_disk(o, image->xml, e)
                                                : operation_fail(o, -ENOMEM, "out of memory");
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
