/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What each change writes. A device that is attached gets its place in the guest written into its fragment,
 * so that it keeps that when other fragments come and go. A device that the guest's own XML describes is
 * removed by a fragment that says so, and not from the XML, where the devices after it would be renumbered.
 */

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "guest/place/address.h"
#include "guest/xml/write.h"
#include "operate/operation-private.h"
#include "util/text.h"

static XmlElement *devices_of(const Operation *o)
{
        for (XmlElement *e = o->now.guest->xml->first; e; e = e->next)
                if (streq(e->name, "devices"))
                        return e;
        return NULL;
}

/* In place of whatever else has the name, or removes what the fragment is about. */
static int write_fragment(Operation *o, const char *name, const XmlElement *e)
{
        _cleanup_(freep) char *path = operation_path(o, name), *text = xml_write(e);
        _cleanup_(freep) char *removal = text_format("remove-%s", name);
        int r;

        if (!path || !text || !removal)
                return operation_fail(o, -ENOMEM, "out of memory");
        r = operation_remove(o, removal);
        r = r < 0 ? r : operation_remove(o, name);
        return r < 0 ? r : operation_write(o, path, text);
}

static const Device *find_by_fragment(const Operation *o, const char *name)
{
        const Guest *g = o->now.guest;

        for (size_t i = 0; i < g->n_devices; i++) {
                const XmlElement *e = g->devices[i]->xml;

                if (e && e->fragment && streq(e->fragment, name))
                        return g->devices[i];
        }
        return NULL;
}

static int note_id(Operation *o, const Device *d)
{
        free(o->id);
        o->id = d && d->id ? strdup(d->id) : NULL;
        return 0;
}

/* ——— attach ——— */

static int set_mac(XmlElement *e)
{
        uint8_t mac[6] = { 0x52, 0x54, 0x00 };

        if (!streq(e->name, "interface") || xml_peek(e, "mac@address"))
                return 0;
        if (getrandom(mac + 3, 3, 0) != 3)
                return -errno;
        return xml_set(e, "mac@address", mac_text(mac).text);
}

/* The first name of the element that is not taken, for a device that nothing tells from others. */
static char *free_name(const Operation *o, const char *element)
{
        for (unsigned n = 0; n < FRAGMENTS_MAX; n++) {
                _cleanup_(freep) char *name = text_format("%s-%u", element, n);

                if (name && !find_by_fragment(o, name))
                        return TAKE_PTR(name);
        }
        return NULL;
}

static int attach(Operation *o, XmlElement *e)
{
        const XmlElement *devices = devices_of(o), *old = devices ? fragment_find_device(devices, e) : NULL;
        _cleanup_(freep) char *name = NULL, *shown = NULL;
        const Device *d;
        int r;

        if (old && !old->removed) {
                shown = fragment_device_name(old);
                return operation_fail(
                        o, -EEXIST, "the guest has a <%s> with %s already (%s:%u)", old->name,
                        shown ?: "that", old->place.file, old->place.line);
        }
        r = set_mac(e);
        name = fragment_name_for(e) ?: free_name(o, e->name);
        if (r < 0 || !name)
                return operation_fail(o, r < 0 ? r : -ENOMEM, "cannot choose a name or an address");
        r = write_fragment(o, name, e);
        r = r < 0 ? r : operation_check(o);
        if (r < 0)
                return r;
        d = find_by_fragment(o, name);
        r = note_id(o, d);
        /* a disk's unit follows from its target */
        if (!d || old || xml_peek(e, "address@type") || d->address.type == ADDRESS_DRIVE ||
            d->address.type == ADDRESS_NONE)
                return r;
        if (address_write(e, &d->address) < 0)
                return operation_fail(o, -ENOMEM, "out of memory");
        r = write_fragment(o, name, e);
        return r < 0 ? r : operation_check(o);
}

int operation_attach(Operation *o, const char *name, const char *data, size_t size)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        _cleanup_(xml_freep) XmlElement *e = findings ? xml_parse(name, data, size, findings) : NULL;

        if (!e) {
                _cleanup_(freep) char *line = findings && findings_count(findings) > 0
                                                      ? finding_format(findings_get(findings, 0))
                                                      : NULL;

                return operation_fail(o, -EINVAL, "%s", line ?: "out of memory");
        }
        if (!fragment_is_device(e))
                return operation_fail(
                        o, -EINVAL, "%s: expected a device, such as <disk> or <interface>, but found <%s>",
                        name, e->name);
        return attach(o, e);
}

/* ——— detach ——— */

static bool is_called(const Device *d, const char *what)
{
        const char *const names[] = {
                d->id,
                d->xml->fragment,
                xml_peek(d->xml, "target@dev"),
                xml_peek(d->xml, "target@dir"),
                xml_peek(d->xml, "mac@address"),
                xml_peek(d->xml, "alias@name"),
        };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (names[i] && strcasecmp(names[i], what) == 0)
                        return true;
        return false;
}

static const Device *find_device(const Operation *o, const char *what)
{
        const Guest *g = o->now.guest;

        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->xml && !g->devices[i]->xml->removed && is_called(g->devices[i], what))
                        return g->devices[i];
        return NULL;
}

static int write_removal(Operation *o, const XmlElement *device)
{
        _cleanup_(xml_freep) XmlElement *request = fragment_removal(device);
        _cleanup_(freep) char *name = fragment_name_for(device), *removal = NULL;

        removal = name ? text_format("remove-%s", name) : NULL;
        if (!request || !removal)
                return operation_fail(
                        o, -EINVAL,
                        "nothing tells this <%s> from others (%s:%u); give it an <alias name='ua-…'/>",
                        device->name, device->place.file, device->place.line);
        return write_fragment(o, removal, request);
}

/* A fragment of the directory that is written, or of one that would apply after it. */
static bool is_ours(const Operation *o, const char *path)
{
        return path_is_in(path, o->directory) || (o->over && path_is_in(path, o->over));
}

int operation_detach(Operation *o, const char *device)
{
        const Device *d = find_device(o, device);
        bool ours;
        int r = 0;

        if (!d)
                return operation_fail(o, -ENOENT, "the guest has no device %s", device);
        (void) note_id(o, d);
        ours = d->xml->fragment && is_ours(o, d->xml->place.file);
        if (!ours || d->xml->instead_of)
                r = write_removal(o, d->xml);
        if (r >= 0 && ours)
                r = operation_write(o, d->xml->place.file, NULL);
        r = r < 0 ? r : operation_check(o);
        if (r >= 0 && find_device(o, device))
                return operation_fail(
                        o, -EEXIST, "another fragment still gives the guest the device %s", device);
        return r;
}

/* ——— changes of a device ——— */

XmlElement *operation_copy(const XmlElement *e)
{
        _cleanup_(findings_freep) Findings *findings = findings_new();
        _cleanup_(freep) char *text = xml_write(e);

        return findings && text ? xml_parse(e->place.file, text, strlen(text), findings) : NULL;
}

/* Writes the changed copy e of that device. */
static int write_changed(Operation *o, const Device *d, const XmlElement *e)
{
        _cleanup_(freep) char *name = fragment_name_for(e);
        int r;

        if (!name)
                return operation_fail(
                        o, -EINVAL, "nothing tells this <%s> from others; give it an <alias name='ua-…'/>",
                        e->name);
        (void) note_id(o, d);
        r = write_fragment(o, name, e);
        return r < 0 ? r : operation_check(o);
}

int operation_write_disk(Operation *o, const XmlElement *disk, const XmlElement *e)
{
        _cleanup_(freep) char *name = fragment_name_for(e), *text = xml_write(e), *path = NULL;
        bool until_off = disk->fragment && o->over && path_is_in(disk->place.file, o->over);
        int r;

        if (!name || !text)
                return operation_fail(o, -ENOMEM, "out of memory");
        if (!until_off)
                r = write_fragment(o, name, e);
        else {
                path = strdup(disk->place.file);
                r = path ? operation_write(o, path, text) : operation_fail(o, -ENOMEM, "out of memory");
        }
        return r < 0 ? r : operation_check(o);
}

static int set_source(XmlElement *e, const char *source)
{
        struct stat st;
        bool block = source && stat(source, &st) >= 0 && S_ISBLK(st.st_mode);
        int r;

        xml_remove_children(e, "source");
        xml_remove_children(e, "backingStore");
        r = xml_set(e, "@type", block ? "block" : "file");
        return r < 0 || !source ? r : xml_set(e, block ? "source@dev" : "source@file", source);
}

int operation_change_media(Operation *o, const char *target, const char *source)
{
        const Device *d = find_device(o, target);
        const char *kind = d ? xml_peek(d->xml, "@device") : NULL;
        _cleanup_(xml_freep) XmlElement *e = NULL;

        if (!d || !streq(d->kind->element, "disk"))
                return operation_fail(o, -ENOENT, "the guest has no disk %s", target);
        if (!kind || (!streq(kind, "cdrom") && !streq(kind, "floppy")))
                return operation_fail(
                        o, -EINVAL, "%s is no drive with a medium that can be changed", target);
        if (source && *source != '/')
                return operation_fail(o, -EINVAL, "the path of a medium must be absolute: %s", source);
        e = operation_copy(d->xml);
        if (!e || set_source(e, source) < 0)
                return operation_fail(o, -ENOMEM, "out of memory");
        return write_changed(o, d, e);
}

/* ——— set ——— */

/* <vcpu> and <currentMemory>, which keep what else they say. */
static int write_of_domain(Operation *o, const char *element, const char *path, const char *value)
{
        _cleanup_(xml_freep) XmlElement *e = NULL;

        for (const XmlElement *old = o->now.guest->xml->first; old && !e; old = old->next)
                if (streq(old->name, element) && !xml_peek(old, "@model"))
                        e = operation_copy(old);
        e = e ?: xml_new(element);
        if (!e || xml_set(e, path, value) < 0)
                return operation_fail(o, -ENOMEM, "out of memory");
        if (streq(element, "currentMemory") && xml_set(e, "@unit", "bytes") < 0)
                return operation_fail(o, -ENOMEM, "out of memory");
        return write_fragment(o, element, e);
}

static int set_memory(Operation *o, const char *value)
{
        _cleanup_(freep) char *number = strdup(value), *bytes = NULL;
        uint64_t size;
        size_t digits = strspn(value, "0123456789");
        int r;

        if (!number)
                return operation_fail(o, -ENOMEM, "out of memory");
        number[digits] = '\0';
        r = size_parse(number, value[digits] ? value + digits : "MiB", MIB, &size);
        if (r < 0)
                return operation_fail(
                        o, -EINVAL, "memory=%s: expected a size, such as 2GiB or 512 (MiB)", value);
        bytes = text_format("%llu", (unsigned long long) size);
        r = bytes ? write_of_domain(o, "currentMemory", "", bytes)
                  : operation_fail(o, -ENOMEM, "out of memory");
        return r < 0 ? r : operation_check(o);
}

static int set_vcpus(Operation *o, const char *value)
{
        unsigned n;
        int r;

        if (text_to_unsigned(value, 4096, &n) < 0 || n == 0)
                return operation_fail(o, -EINVAL, "vcpus=%s: expected a number", value);
        r = write_of_domain(o, "vcpu", "@current", value);
        return r < 0 ? r : operation_check(o);
}

/* DEVICE:VALUE; the device is cut off in a copy. */
static int set_of_device(
        Operation *o, const char *key, const char *value, const char *element,
        int (*set)(Operation *o, XmlElement *e, const char *value))
{
        const char *colon = strrchr(value, ':');
        _cleanup_(freep) char *what = colon ? strndup(value, (size_t) (colon - value)) : NULL;
        const Device *d = what ? find_device(o, what) : NULL;
        _cleanup_(xml_freep) XmlElement *e = NULL;
        int r;

        if (!what)
                return operation_fail(o, -EINVAL, "%s=%s: expected %s=DEVICE:VALUE", key, value, key);
        if (!d || !streq(d->kind->element, element))
                return operation_fail(o, -ENOENT, "the guest has no <%s> %s", element, what);
        e = operation_copy(d->xml);
        if (!e)
                return operation_fail(o, -ENOMEM, "out of memory");
        r = set(o, e, colon + 1);
        return r < 0 ? r : write_changed(o, d, e);
}

static int set_link_of(Operation *o, XmlElement *e, const char *value)
{
        if (!streq(value, "up") && !streq(value, "down"))
                return operation_fail(o, -EINVAL, "link: expected up or down, not %s", value);
        return xml_set(e, "link@state", value);
}

/* "read_iops_sec=100,total_bytes_sec=0" */
static int set_iotune_of(Operation *o, XmlElement *e, const char *value)
{
        _cleanup_(freep) char *copy = strdup(value);
        char *rest = copy, *item;
        int r = copy ? 0 : -ENOMEM;

        while (r >= 0 && (item = strsep(&rest, ","))) {
                char *number = strchr(item, '=');
                _cleanup_(freep) char *path = NULL;

                if (!number)
                        return operation_fail(o, -EINVAL, "iotune: expected LIMIT=NUMBER, not %s", item);
                *number++ = '\0';
                path = text_format("iotune/%s", item);
                r = path ? xml_set(e, path, number) : -ENOMEM;
        }
        return r < 0 ? operation_fail(o, r, "out of memory") : 0;
}

/* "AVERAGE[/PEAK[/BURST]]", as the attributes of <inbound>; 0 for no limit. The text is cut up. */
static int set_rate(Operation *o, XmlElement *e, const char *direction, char *text)
{
        static const char *const keys[] = { "average", "peak", "burst" };
        uint64_t n = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && text && i < ELEMENTS(keys); i++) {
                const char *number = strsep(&text, "/");
                _cleanup_(freep) char *path = text_format("bandwidth/%s@%s", direction, keys[i]);

                if (text_to_u64(number, UINT32_MAX, &n) < 0)
                        return operation_fail(
                                o, -EINVAL,
                                "bandwidth: expected AVERAGE[/PEAK[/BURST]] in kilobytes, not '%s'", number);
                if (i == 0 && n == 0)
                        return 0;
                r = path ? xml_set(e, path, number) : -ENOMEM;
        }
        if (r >= 0 && text)
                return operation_fail(o, -EINVAL, "bandwidth: expected at most AVERAGE/PEAK/BURST");
        return r < 0 ? operation_fail(o, r, "out of memory") : 0;
}

/* "IN,OUT" */
static int set_bandwidth_of(Operation *o, XmlElement *e, const char *value)
{
        _cleanup_(freep) char *in = strdup(value);
        char *out = in;
        int r;

        if (!in)
                return operation_fail(o, -ENOMEM, "out of memory");
        (void) strsep(&out, ",");
        if (!out)
                return operation_fail(o, -EINVAL, "bandwidth: expected IN,OUT, not %s", value);
        xml_remove_children(e, "bandwidth");
        r = set_rate(o, e, "inbound", in);
        return r < 0 ? r : set_rate(o, e, "outbound", out);
}

static int set_bandwidth(Operation *o, const char *value)
{
        return set_of_device(o, "bandwidth", value, "interface", set_bandwidth_of);
}

static int set_link(Operation *o, const char *value)
{
        return set_of_device(o, "link", value, "interface", set_link_of);
}

static int set_iotune(Operation *o, const char *value)
{
        return set_of_device(o, "iotune", value, "disk", set_iotune_of);
}

static const struct {
        const char *key;
        int (*set)(Operation *o, const char *value);
} settings[] = {
        { "memory", set_memory },       { "vcpus", set_vcpus },   { "link", set_link },
        { "bandwidth", set_bandwidth }, { "iotune", set_iotune },
};

int operation_set(Operation *o, const char *key, const char *value)
{
        for (size_t i = 0; i < ELEMENTS(settings); i++)
                if (streq(settings[i].key, key))
                        return settings[i].set(o, value);
        return operation_fail(
                o, -EINVAL,
                "%s cannot be set; what can be: memory, vcpus, link, bandwidth, iotune, password", key);
}
