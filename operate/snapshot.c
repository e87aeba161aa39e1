/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each snapshot is a file of its own, which appears at once and whole. Who may define guests writes them;
 * what is read is checked for its form only, and text of it is made safe where it is shown.
 */

#include "operate/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generator/convert/find.h"
#include "generator/convert/fragments.h"
#include "guest/xml/write.h"
#include "util/file.h"

#define DOCUMENT "domainsnapshot"

static void disk_done(SnapshotDisk *d)
{
        free(d->target);
        free(d->overlay);
        free(d->base);
        free(d->base_format);
        free(d->former);
}

void snapshot_done(Snapshot *s)
{
        free(s->name);
        free(s->description);
        free(s->parent);
        free(s->state);
        for (size_t i = 0; i < s->n_disks; i++)
                disk_done(&s->disks[i]);
        free(s->disks);
        *s = (Snapshot){ 0 };
}

void snapshots_done(Snapshots *s)
{
        for (size_t i = 0; i < s->count; i++)
                snapshot_done(&s->items[i]);
        free(s->items);
        *s = (Snapshots){ 0 };
}

int snapshot_add_disk(
        Snapshot *s, const char *target, const char *overlay, const char *base, const char *base_format,
        const char *former)
{
        SnapshotDisk *bigger = reallocarray(s->disks, s->n_disks + 1, sizeof(*bigger));
        SnapshotDisk disk = {
                .target = strdup(target),
                .overlay = overlay ? strdup(overlay) : NULL,
                .base = strdup(base),
                .base_format = strdup(base_format),
                .former = strdup(former),
        };

        if (bigger)
                s->disks = bigger;
        if (!bigger || !disk.target || !disk.base || !disk.base_format || !disk.former ||
            (overlay && !disk.overlay)) {
                disk_done(&disk);
                return -ENOMEM;
        }
        s->disks[s->n_disks++] = disk;
        return 0;
}

int snapshot_set_overlay(SnapshotDisk *d, const char *overlay)
{
        char *copy = strdup(overlay);

        if (!copy)
                return -ENOMEM;
        free(d->overlay);
        d->overlay = copy;
        return 0;
}

const SnapshotDisk *snapshot_find_disk(const Snapshot *s, const char *target)
{
        for (size_t i = 0; i < s->n_disks; i++)
                if (streq(s->disks[i].target, target))
                        return &s->disks[i];
        return NULL;
}

bool snapshot_is_internal(const Snapshot *s)
{
        return s->n_disks > 0 && !s->disks[0].overlay;
}

char *snapshots_directory(bool user_scope, const char *guest)
{
        _cleanup_(strings_done) Strings directories = { 0 };

        if (guest_directories(user_scope, &directories) < 0)
                return NULL;
        return text_format("%s/%s" SNAPSHOT_DIRECTORY, directories.items[0], guest);
}

/* ——— reading ——— */

/* The disk of that target, as it was when the snapshot was made. */
static const XmlElement *find_former(const XmlElement *root, const char *target)
{
        const XmlElement *devices = xml_peek_child(xml_peek_child(root, "domain"), "devices");

        for (const XmlElement *e = devices ? devices->first : NULL; e; e = e->next)
                if (streq_null(xml_peek(e, "target@dev"), target))
                        return e;
        return NULL;
}

static int read_disk(const XmlElement *root, const XmlElement *e, Snapshot *s)
{
        const char *target = xml_peek(e, "@name"), *kind = xml_peek(e, "@snapshot");
        const XmlElement *former = target ? find_former(root, target) : NULL;
        const char *base = former ? xml_peek(former, "source@file") ?: xml_peek(former, "source@dev") : NULL;
        const char *format = former ? xml_peek(former, "driver@type") : NULL;
        const char *overlay = xml_peek(e, "source@file");
        _cleanup_(freep) char *text = NULL;

        if (!target || !kind || streq(kind, "no"))
                return target && kind ? 0 : -EBADMSG;
        if (!base || !format || (streq(kind, "external") && !overlay))
                return -EBADMSG;
        text = xml_write(former);
        return text ? snapshot_add_disk(
                              s, target, streq(kind, "external") ? overlay : NULL, base, format, text)
                    : -ENOMEM;
}

static char *copy_of(const char *text)
{
        return text && *text ? strdup(text) : NULL;
}

static int read_snapshot(const XmlElement *root, const char *name, Snapshot *s)
{
        const XmlElement *disks = xml_peek_child(root, "disks");
        const char *created = xml_peek(root, "creationTime"), *machine = xml_peek(root, "cookie/machine");
        int r = 0;

        if (!streq(root->name, DOCUMENT) || !streq_null(xml_peek(root, "name"), name) || !created ||
            text_to_u64(created, INT64_MAX, &s->created) < 0)
                return -EBADMSG;
        if (machine && text_to_u64(machine, UINT64_MAX, &s->machine) < 0)
                return -EBADMSG;
        s->name = strdup(name);
        s->description = copy_of(xml_peek(root, "description"));
        s->parent = copy_of(xml_peek(root, "parent/name"));
        s->state = strdup(xml_peek(root, "state") ?: "disk-snapshot");
        if (!s->name || !s->state)
                return -ENOMEM;
        for (const XmlElement *e = disks ? disks->first : NULL; r >= 0 && e; e = e->next)
                if (streq(e->name, "disk"))
                        r = read_disk(root, e, s);
        return r < 0 ? r : s->n_disks > 0 ? 0 : -EBADMSG;
}

static int load_one(const char *directory, const char *file, Snapshots *ret)
{
        _cleanup_(freep) char *path = text_format("%s/%s", directory, file), *data = NULL,
                              *name = strndup(file, strlen(file) - strlen(".xml"));
        _cleanup_(findings_freep) Findings *findings = findings_new();
        _cleanup_(xml_freep) XmlElement *root = NULL;
        Snapshot *bigger, s = { 0 };
        size_t size;
        int r;

        if (!path || !name || !findings)
                return -ENOMEM;
        r = file_read(AT_FDCWD, path, XML_SIZE_MAX, &data, &size);
        if (r < 0)
                return -EBADMSG;
        root = xml_parse(path, data, size, findings);
        r = root ? read_snapshot(root, name, &s) : -EBADMSG;
        bigger = r < 0 ? NULL : reallocarray(ret->items, ret->count + 1, sizeof(*bigger));
        if (!bigger) {
                snapshot_done(&s);
                return r < 0 ? r : -ENOMEM;
        }
        ret->items = bigger;
        ret->items[ret->count++] = s;
        return 0;
}

static int by_age(const void *a, const void *b)
{
        const Snapshot *x = a, *y = b;

        return x->created != y->created ? (x->created > y->created) - (x->created < y->created)
                                        : strcmp(x->name, y->name);
}

int snapshots_load(const char *directory, Snapshots *ret, Strings *damaged)
{
        _cleanup_(closedirp) DIR *dir = opendir(directory);
        Snapshots all = { 0 };
        struct dirent *entry;
        int r = 0;

        *ret = all;
        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        while (r >= 0 && (errno = 0, entry = readdir(dir))) {
                if (entry->d_name[0] == '.' || !text_ends_with(entry->d_name, ".xml"))
                        continue;
                r = all.count < SNAPSHOTS_MAX ? load_one(directory, entry->d_name, &all) : -E2BIG;
                if (r == -EBADMSG)
                        r = strings_add(damaged, entry->d_name);
        }
        if (r >= 0 && errno)
                r = -errno;
        if (r < 0) {
                snapshots_done(&all);
                return r;
        }
        if (all.count > 0)
                qsort(all.items, all.count, sizeof(*all.items), by_age);
        *ret = all;
        return 0;
}

const Snapshot *snapshots_find(const Snapshots *s, const char *name)
{
        for (size_t i = 0; name && i < s->count; i++)
                if (streq(s->items[i].name, name))
                        return &s->items[i];
        return NULL;
}

const Snapshot *snapshots_find_overlay(const Snapshots *s, const char *path)
{
        for (size_t i = 0; i < s->count; i++)
                for (size_t j = 0; j < s->items[i].n_disks; j++)
                        if (streq_null(s->items[i].disks[j].overlay, path))
                                return &s->items[i];
        return NULL;
}

/* ——— writing ——— */

static int set_disk(XmlElement *disks, XmlElement *devices, const SnapshotDisk *d)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        XmlElement *e = xml_new("disk");
        XmlElement *former = findings ? xml_parse("", d->former, strlen(d->former), findings) : NULL;
        int r;

        if (e)
                xml_append(disks, e);
        if (former)
                xml_append(devices, former);
        if (!e || !former)
                return -ENOMEM;
        r = xml_set(e, "@name", d->target);
        r = r < 0 ? r : xml_set(e, "@snapshot", d->overlay ? "external" : "internal");
        if (!d->overlay)
                return r;
        r = r < 0 ? r : xml_set(e, "@type", "file");
        r = r < 0 ? r : xml_set(e, "driver@type", "qcow2");
        return r < 0 ? r : xml_set(e, "source@file", d->overlay);
}

static int set_all(XmlElement *root, const char *guest, const Snapshot *s)
{
        _cleanup_(freep) char *created = text_format("%llu", (unsigned long long) s->created),
                              *machine = text_format("0x%llx", (unsigned long long) s->machine);
        XmlElement *disks = xml_new("disks"), *domain = xml_new("domain"), *devices = xml_new("devices");
        int r = created && machine && disks && domain && devices ? 0 : -ENOMEM;

        if (r < 0) {
                (void) xml_free(disks);
                (void) xml_free(domain);
                (void) xml_free(devices);
                return r;
        }
        r = xml_set(root, "name", s->name);
        r = r < 0 || !s->description ? r : xml_set(root, "description", s->description);
        r = r < 0 ? r : xml_set(root, "state", s->state);
        r = r < 0 || !s->parent ? r : xml_set(root, "parent/name", s->parent);
        r = r < 0 ? r : xml_set(root, "creationTime", created);
        r = r < 0 ? r : xml_set(root, "memory@snapshot", snapshot_is_internal(s) ? "internal" : "no");
        if (s->machine != 0)
                r = r < 0 ? r : xml_set(root, "cookie/machine", machine);
        r = r < 0 ? r : xml_set(domain, "name", guest);
        xml_append(root, disks);
        xml_append(root, domain);
        xml_append(domain, devices);
        for (size_t i = 0; r >= 0 && i < s->n_disks; i++)
                r = set_disk(disks, devices, &s->disks[i]);
        return r;
}

int snapshot_save(const char *directory, const char *guest, const Snapshot *s)
{
        _cleanup_(xml_freep) XmlElement *root = xml_new(DOCUMENT);
        _cleanup_(freep) char *text = NULL, *path = text_format("%s/%s.xml", directory, s->name);
        _cleanup_(closep) int fd = -EBADF;
        int r = root && path ? set_all(root, guest, s) : -ENOMEM;

        text = r < 0 ? NULL : xml_write(root);
        if (!text)
                return -ENOMEM;
        fd = file_open_private_directory(directory);
        if (fd < 0)
                return fd;
        r = file_write_atomic(AT_FDCWD, path, text, strlen(text), 0600, 1);
        return r >= 0 && fsync(fd) < 0 ? -errno : r;
}

int snapshot_remove(const char *directory, const char *name)
{
        _cleanup_(freep) char *path = text_format("%s/%s.xml", directory, name),
                              *nvram = text_format("%s/%s" SNAPSHOT_NVRAM, directory, name);

        if (!path || !nvram)
                return -ENOMEM;
        if ((unlink(path) < 0 && errno != ENOENT) || (unlink(nvram) < 0 && errno != ENOENT))
                return -errno;
        (void) rmdir(directory); /* if it was the last */
        return 0;
}
