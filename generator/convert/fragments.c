/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest that runs is changed by its definition, see launcher/reload/. So that one device more or less
 * changes nothing about the others, ids and node names of a fragment's device come from the fragment's name,
 * and a device that a fragment removes keeps its number among the others. guest/placement/keep.h does the
 * same for addresses.
 *
 * A device is recognized by what libvirt recognizes it by: a disk by its target, an interface by its MAC
 * address. Fragments are written by whoever may define guests; nothing here trusts them.
 */

#include "generator/convert/fragments.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/xml/write.h"
#include "util/file.h"

#define KEYS_MAX 6

/* The first row of an element of which the device has the first key. */
static const struct {
        const char *element;
        const char *keys[KEYS_MAX]; /* paths of xml_peek(); ended by NULL */
} identities[] = {
        { "disk", { "target@dev" } },
        { "filesystem", { "target@dir" } },
        { "interface", { "mac@address" } },
        { "controller", { "@type", "@index" } },
        { "hostdev",
          { "source/address@slot", "@type", "source/address@domain", "source/address@bus",
            "source/address@function" } },
        { "hostdev", { "source/address@device", "@type", "source/address@bus" } },
        { "hostdev", { "source/vendor@id", "@type", "source/product@id" } },
        { "hostdev", { "source/adapter@name", "@type", "source/address@target", "source/address@unit" } },
        { "hostdev", { "source/address@uuid", "@type" } },
        { "channel", { "target@name", "@type" } },
        { "serial", { "target@port" } },
        { "parallel", { "target@port" } },
        { "console", { "target@port" } },
        { "graphics", { "@type" } },
        { "audio", { "@id" } },
        { "shmem", { "@name" } },
        { "memory", { "address@slot" } },
        { "memballoon", { "@model" } },
        { "vsock", { "cid@address" } },
};

/* What is of <domain>, and cannot be a device. */
static const char *const domain_elements[] = {
        "currentMemory", "maxMemory", "memtune",  "vcpu",      "vcpus",       "cputune",
        "title",         "iothreads", "metadata", "blkiotune", "description",
};

bool fragment_name_is_valid(const char *name)
{
        size_t n = strlen(name);

        return n > 0 && n <= FRAGMENT_NAME_MAX && isalnum((unsigned char) *name) &&
               name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
                       '\0';
}

/* ——— the files ——— */

static int by_text(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static int find_in(const char *directory, Strings *ret)
{
        _cleanup_(closedirp) DIR *dir = opendir(directory);
        size_t first = ret->count;
        struct dirent *entry;
        int r = 0;

        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        while (r >= 0 && (errno = 0, entry = readdir(dir)))
                if (entry->d_name[0] != '.' && text_ends_with(entry->d_name, ".xml"))
                        r = ret->count == FRAGMENTS_MAX
                                    ? -E2BIG
                                    : strings_addf(ret, "%s/%s", directory, entry->d_name);
        if (r >= 0 && errno)
                r = -errno;
        if (ret->count > first)
                qsort(ret->items + first, ret->count - first, sizeof(*ret->items), by_text);
        return r;
}

int fragments_find(const Strings *directories, const char *guest, Strings *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < directories->count; i++) {
                _cleanup_(freep) char *directory = NULL;

                if (text_after(directories->items[i], "/usr/"))
                        continue;
                directory = text_format("%s/%s" FRAGMENT_DIRECTORY, directories->items[i], guest);
                r = directory ? find_in(directory, ret) : -ENOMEM;
        }
        return r;
}

/* ——— which device ——— */

static const char *alias_of(const XmlElement *device)
{
        const char *alias = xml_peek(device, "alias@name");

        return alias && text_after(alias, "ua-") ? alias : NULL;
}

/* The row for the device, or -1. */
static int identity_of(const XmlElement *device)
{
        for (size_t i = 0; i < ELEMENTS(identities); i++)
                if (streq(identities[i].element, device->name) && xml_peek(device, identities[i].keys[0]))
                        return (int) i;
        return -1;
}

static bool is_same(const XmlElement *a, const XmlElement *b)
{
        const char *alias = alias_of(a), *other = alias_of(b);
        int row = identity_of(a);

        if (!streq(a->name, b->name))
                return false;
        if (alias && other && streq(alias, other))
                return true;
        if (row < 0)
                return false;
        for (const char *const *key = identities[row].keys; *key; key++) {
                const char *x = xml_peek(a, *key), *y = xml_peek(b, *key);

                if (x != y && (!x || !y || strcasecmp(x, y) != 0))
                        return false;
        }
        return true;
}

XmlElement *fragment_find_device(const XmlElement *devices, const XmlElement *device)
{
        for (XmlElement *e = devices->first; e; e = e->next)
                if (is_same(device, e))
                        return e;
        return NULL;
}

char *fragment_device_name(const XmlElement *device)
{
        const char *alias = alias_of(device), *key;
        int row = identity_of(device), length;

        if (row < 0)
                return alias ? text_format("alias name='%s'", alias) : NULL;
        key = identities[row].keys[0];
        length = (int) strcspn(key, "@");
        return text_format(
                "%.*s%s%s='%s'", length, key, length > 0 ? " " : "", key + length + 1,
                xml_peek(device, key));
}

/* What is no character of a name becomes a dash. */
char *fragment_name_for(const XmlElement *device)
{
        const char *alias = alias_of(device);
        int row = identity_of(device);
        _cleanup_(freep) char *name = NULL;

        if (row < 0 && !alias)
                return NULL;
        name = text_format(
                "%s-%s", device->name, row < 0 ? alias : xml_peek(device, identities[row].keys[0]));
        for (const char *const *key = row < 0 ? NULL : identities[row].keys + 1; name && key && *key;
             key++) {
                const char *value = streq(*key, "@type") ? NULL : xml_peek(device, *key);
                char *longer = value ? text_format("%s-%s", name, value) : NULL;

                if (value) {
                        free(name);
                        name = longer;
                }
        }
        for (char *p = name; p && *p; p++)
                if (!isalnum((unsigned char) *p) && !strchr("._-", *p))
                        *p = '-';
        if (name)
                text_cut(name, FRAGMENT_NAME_MAX - strlen("remove-"));
        return TAKE_PTR(name);
}

XmlElement *fragment_removal(const XmlElement *device)
{
        const char *alias = alias_of(device);
        int row = identity_of(device), r = 0;
        _cleanup_(xml_freep) XmlElement *request = xml_new(FRAGMENT_REMOVE);
        XmlElement *copy = request && (row >= 0 || alias) ? xml_new(device->name) : NULL;

        if (!copy)
                return NULL;
        xml_append(request, copy);
        if (row < 0)
                return xml_set(copy, "alias@name", alias) < 0 ? NULL : TAKE_PTR(request);
        for (const char *const *key = identities[row].keys; r >= 0 && *key; key++)
                if (xml_peek(device, *key))
                        r = xml_set(copy, *key, xml_peek(device, *key));
        return r < 0 ? NULL : TAKE_PTR(request);
}

/* ——— what it changes ——— */

/* <memory> is the guest's memory, and with a model a device of its own. */
static bool is_of_domain(const XmlElement *e)
{
        for (size_t i = 0; i < ELEMENTS(domain_elements); i++)
                if (streq(e->name, domain_elements[i]))
                        return true;
        return streq(e->name, "memory") && !xml_peek(e, "@model");
}

bool fragment_is_device(const XmlElement *e)
{
        return !is_of_domain(e) && !streq(e->name, FRAGMENT_REMOVE) && !streq(e->name, "domain");
}

static void replace_of_domain(XmlElement *domain, XmlElement *e)
{
        XmlElement *old = xml_peek_child(domain, e->name);

        if (!old) {
                xml_append(domain, e);
                return;
        }
        e->fragment = NULL;
        xml_replace(old, e);
}

static void remove_device(XmlElement *devices, XmlElement *request, Findings *findings)
{
        XmlElement *device = request->first, *old;

        if (!device || device->next) {
                finding(findings, SEVERITY_ERROR, request->place,
                        "<" FRAGMENT_REMOVE "> must contain one device, with what it is recognized by");
                return;
        }
        old = fragment_find_device(devices, device);
        if (!old)
                finding(findings, SEVERITY_WARNING, device->place,
                        "the guest has no such <%s>, so nothing is removed", device->name);
        else if (old->fragment && !old->instead_of)
                xml_remove(old);
        else
                old->removed = true;
}

/* Takes e. */
static void apply(XmlElement *domain, XmlElement *e, Findings *findings)
{
        XmlElement *devices = xml_peek_child(domain, "devices"), *old;

        if (is_of_domain(e)) {
                replace_of_domain(domain, e);
                return;
        }
        if (!devices) {
                finding(findings, SEVERITY_ERROR, e->place, "the guest's XML has no <devices>");
                (void) xml_free(e);
                return;
        }
        if (streq(e->name, FRAGMENT_REMOVE)) {
                remove_device(devices, e, findings);
                (void) xml_free(e);
                return;
        }
        old = fragment_find_device(devices, e);
        if (old)
                xml_replace(old, e);
        else
                xml_append(devices, e);
}

/* The file's name without its end, which is cut off in the path's copy. */
static char *name_of(const char *path)
{
        const char *base = strrchr(path, '/');

        base = base ? base + 1 : path;
        return strndup(base, strlen(base) - strlen(".xml"));
}

static XmlElement *read_fragment(const char *path, Findings *findings)
{
        _cleanup_(findings_freep) Findings *own = findings_new();
        _cleanup_(freep) char *data = NULL;
        XmlElement *e;
        size_t size;
        int r;

        if (!own)
                return NULL;
        r = file_read(AT_FDCWD, path, XML_SIZE_MAX, &data, &size);
        if (r < 0) {
                finding(findings, SEVERITY_ERROR, (Place){ path }, "cannot read the file: %s",
                        r == -EFBIG    ? "too large"
                        : r == -EINVAL ? "not a regular file"
                                       : strerror(-r));
                return NULL;
        }
        e = xml_parse(path, data, size, own);
        for (size_t i = 0; i < findings_count(own); i++) {
                const Finding *f = findings_get(own, i);

                finding(findings, f->severity, f->place, "%s", f->text);
        }
        return e;
}

static int apply_file(XmlElement *domain, Strings *files, size_t i, Findings *findings)
{
        const char *path = files->items[i];
        _cleanup_(freep) char *name = name_of(path);
        XmlElement *e;
        int r;

        if (!name)
                return -ENOMEM;
        if (!fragment_name_is_valid(name)) {
                finding(findings, SEVERITY_ERROR, (Place){ path },
                        "a fragment's name must be at most %d letters, digits, \"-\", \"_\" and \".\", and "
                        "begin with a letter or digit",
                        FRAGMENT_NAME_MAX);
                return 0;
        }
        e = read_fragment(path, findings);
        if (!e)
                return 0;
        r = strings_take(files, TAKE_PTR(name));
        if (r < 0) {
                (void) xml_free(e);
                return r;
        }
        e->fragment = files->items[files->count - 1];
        apply(domain, e, findings);
        return 0;
}

int fragments_apply(XmlElement *domain, Strings *files, Findings *findings)
{
        size_t n = files->count;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = apply_file(domain, files, i, findings);
        return r;
}
