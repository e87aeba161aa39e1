/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The order of things: the whole XML is read before anything is decided, so that a default may look at
 * everything. Errors do not end a phase, only the conversion: one run reports as many as it can.
 */

#include "guest/guest.h"

#include <errno.h>
#include <stdarg.h>

#include "guest/machine.h"
#include "guest/place/address.h"
#include "guest/place/boot.h"
#include "guest/place/place.h"

static const Field virtio_fields[] = {
        FIELD("driver@iommu", FIELD_SWITCH, VirtioOptions, iommu),
        FIELD("driver@ats", FIELD_SWITCH, VirtioOptions, ats),
        FIELD("driver@packed", FIELD_SWITCH, VirtioOptions, packed),
        FIELD("driver@page_per_vq", FIELD_SWITCH, VirtioOptions, page_per_vq),
        {},
};

static const Field rom_fields[] = {
        FIELD("rom@enabled", FIELD_YESNO, Rom, enabled),
        FIELD("rom@bar", FIELD_SWITCH, Rom, bar),
        {},
};

static const Field rom_file_fields[] = {
        FIELD("rom@file", FIELD_PATH, Rom, file),
        {},
};

static const Field boot_fields[] = {
        FIELD_IN_RANGE("boot@order", Device, boot_order, 1, INT32_MAX),
        {},
};

static const Field acpi_fields[] = {
        FIELD_IN_RANGE("acpi@index", Device, acpi_index, 1, DEVICE_ACPI_INDEX_MAX),
        {},
};

const char *guest_text(Guest *g, const char *format, ...)
{
        char *text;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (strings_take(&g->texts, text) < 0) {
                g->status = -ENOMEM;
                return "";
        }
        return text;
}

void *guest_zeroed(Guest *g, size_t count, size_t size)
{
        void *memory = calloc(count, size);

        if (strings_take(&g->texts, memory) < 0) {
                g->status = -ENOMEM;
                return NULL;
        }
        return memory;
}

static Device *add_device(Guest *g, const DeviceKind *kind)
{
        Device **grown, *d = calloc(1, kind->size);

        grown = d ? reallocarray(g->devices, g->n_devices + 1, sizeof(*grown)) : NULL;
        if (!grown) {
                free(d);
                g->status = -ENOMEM;
                return NULL;
        }
        g->devices = grown;
        d->kind = kind;
        d->place = g->devices_place;
        for (size_t i = 0; i < g->n_devices; i++)
                if (streq(g->devices[i]->kind->element, kind->element))
                        d->index++;
        g->devices[g->n_devices++] = d;
        return d;
}

Device *guest_imply(Guest *g, const DeviceKind *kind)
{
        return add_device(g, kind);
}

Device *guest_next_device(const Guest *g, const DeviceKind *kind, size_t *i)
{
        while (*i < g->n_devices) {
                Device *d = g->devices[(*i)++];

                if (!kind || d->kind == kind)
                        return d;
        }
        return NULL;
}

/* libvirt keeps only the aliases that a user chose, and those begin so; the others it makes anew at each
 * start. */
static void read_alias(Guest *g, Device *d)
{
        XmlElement *alias = xml_child(d->xml, "alias");
        const char *name;

        if (!alias)
                return;
        name = xml_attribute(alias, "name");
        if (!name || !text_after(name, "ua-"))
                return;
        if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
                    strlen(name) ||
            strlen(name) > 127) {
                guest_error(
                        g, alias->place, "<alias>: '%s' holds more than letters, digits, \"-\" and \"_\"",
                        name);
                return;
        }
        d->id = name;
        d->user_id = true;
}

static void read_rom(Guest *g, Device *d)
{
        XmlElement *rom = xml_child(d->xml, "rom");
        const char *file = rom ? xml_attribute(rom, "file") : NULL;

        fields_read(d->xml, rom_fields, &d->rom, g->findings);
        if (file && !*file) { /* how enabled='no' was written before there was that */
                d->rom.enabled = OFF;
                return;
        }
        fields_read(d->xml, rom_file_fields, &d->rom, g->findings);
        if (d->rom.enabled == OFF && (d->rom.bar != UNSET || d->rom.file))
                device_error(g, d, "<rom>: enabled='no' leaves nothing for bar and file to say");
}

static void read_device(Guest *g, XmlElement *e, const DeviceKind *kind)
{
        Device *d = add_device(g, kind);

        if (!d)
                return;
        d->xml = e;
        d->place = e->place;
        e->claimed = true;
        if (kind->type)
                (void) xml_attribute(e, "type");
        read_alias(g, d);
        address_read(g, d);
        if (kind->has_boot)
                fields_read(e, boot_fields, d, g->findings);
        if (kind->has_acpi_index)
                fields_read(e, acpi_fields, d, g->findings);
        if (kind->has_rom)
                read_rom(g, d);
        if (kind->has_virtio_options)
                fields_read(e, virtio_fields, &d->virtio, g->findings);
        if (kind->fields)
                fields_read(e, kind->fields, d, g->findings);
        if (kind->read)
                kind->read(g, d);
}

static const DeviceKind *kind_of(const Guest *g, const XmlElement *e)
{
        const DeviceKind *any = NULL;
        const char *type = NULL;

        for (size_t i = 0; i < e->n_attributes; i++)
                if (streq(e->attributes[i].name, "type"))
                        type = e->attributes[i].value;
        for (const DeviceKind *const *k = g->kinds; *k; k++) {
                if (!streq((*k)->element, e->name))
                        continue;
                if (!(*k)->type)
                        any = *k;
                else if (type ? streq((*k)->type, type) : (*k)->default_type != NULL)
                        return *k;
        }
        return any;
}

/* An element that no kind takes stays unclaimed, and is reported as such. */
static void read_devices(Guest *g)
{
        XmlElement *devices = xml_child(g->xml, "devices");

        g->devices_place = devices ? devices->place : g->xml->place;
        for (XmlElement *e = devices ? devices->first : NULL; e; e = e->next) {
                const DeviceKind *kind = kind_of(g, e);

                if (g->n_devices == GUEST_DEVICES_MAX) {
                        guest_error(g, e->place, "<devices>: there are more than %d", GUEST_DEVICES_MAX);
                        return;
                }
                if (kind)
                        read_device(g, e, kind);
        }
}

/* The guest as a whole, in the order in which its parts are read, completed, checked and told to QEMU. */
static const struct {
        void (*read)(Guest *g);
        void (*complete)(Guest *g);
        void (*check)(Guest *g);
        void (*build)(const Guest *g, Plan *p);
} parts[] = {
        { general_read, general_complete, general_check, general_build_first },
        { os_read, os_complete, os_check, os_build },
        { firmware_read, firmware_complete, firmware_check, firmware_build },
        { NULL, NULL, NULL, machine_build },
        { cpu_read, cpu_complete, cpu_check, cpu_build },
        { memory_read, memory_complete, memory_check, memory_build },
        { NULL, NULL, NULL, vcpu_build },
        { NULL, NULL, NULL, numa_build },
        { features_read, features_complete, features_check, features_build },
        { clock_read, clock_complete, clock_check, clock_build },
        { sysinfo_read, NULL, sysinfo_check, sysinfo_build },
        { launch_security_read, launch_security_complete, launch_security_check, launch_security_build },
        { tuning_read, NULL, tuning_check, tuning_build },
        { label_read, NULL, label_check, label_build },
        { iothreads_read, iothreads_complete, iothreads_check, iothreads_build },
        { qemu_namespace_read, NULL, qemu_namespace_check, qemu_namespace_build_first },
};

Guest *guest_read(
        const char *file, const char *data, size_t size, const DeviceKind *const *kinds,
        const Settings *settings, Findings *findings)
{
        _cleanup_(guest_freep) Guest *g = NULL;

        g = calloc(1, sizeof(*g));
        if (!g) {
                finding(findings, SEVERITY_ERROR, (Place){ file }, "out of memory");
                return NULL;
        }
        g->file = file;
        g->findings = findings;
        g->settings = settings;
        g->kinds = kinds;
        g->xml = xml_parse(file, data, size, findings);
        if (!g->xml)
                return NULL;
        if (!streq(g->xml->name, "domain")) {
                guest_error(g, g->xml->place, "<%s> is not a guest: <domain> is expected", g->xml->name);
                return NULL;
        }
        for (size_t i = 0; i < ELEMENTS(parts); i++)
                if (parts[i].read)
                        parts[i].read(g);
        read_devices(g);
        return TAKE_PTR(g);
}

Guest *guest_free(Guest *g)
{
        if (!g)
                return NULL;
        for (size_t i = 0; i < g->n_devices; i++)
                free(g->devices[i]);
        free(g->devices);
        strings_done(&g->texts);
        g->xml = xml_free(g->xml);
        free(g);
        return NULL;
}

/* A device's complete() may imply further ones; those come at the end of the list and get their turn. */
static void complete(Guest *g)
{
        for (size_t i = 0; i < ELEMENTS(parts); i++)
                if (parts[i].complete)
                        parts[i].complete(g);
        for (const DeviceKind *const *k = g->kinds; *k; k++)
                if ((*k)->imply)
                        (*k)->imply(g);
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->kind->complete)
                        g->devices[i]->kind->complete(g, g->devices[i]);
}

static void check(Guest *g)
{
        for (size_t i = 0; i < ELEMENTS(parts); i++)
                if (parts[i].check)
                        parts[i].check(g);
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->kind->check)
                        g->devices[i]->kind->check(g, g->devices[i]);
}

static void build(const Guest *g, Plan *p)
{
        for (size_t i = 0; i < ELEMENTS(parts); i++)
                if (parts[i].build)
                        parts[i].build(g, p);
        for (const DeviceKind *const *k = g->kinds; *k; k++)
                GUEST_FOREACH_DEVICE(g, *k, d)
                        if (d->kind->build) {
                                d->kind->build(g, d, p);
                                device_grants(d, p);
                        }
        qemu_namespace_build_last(g, p);
        general_build_last(g, p);
}

int guest_convert(Guest *g, Plan *plan)
{
        if (!findings_failed(g->findings)) {
                complete(g);
                if (g->status < 0)
                        return g->status;
                place_devices(g);
                boot_order_assign(g);
                check(g);
        }
        xml_report_unclaimed(g->xml, g->findings);
        if (findings_failed(g->findings))
                return -EINVAL;
        build(g, plan);
        if (plan->status < 0 || g->status < 0)
                return plan->status < 0 ? plan->status : g->status;
        return findings_failed(g->findings) ? -EINVAL : 0;
}
