/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <sysinfo>: texts for SMBIOS tables and the firmware configuration device. Names of entries are checked,
 * since QEMU would end at an unknown one. Source: libvirt's documentation of <sysinfo>, and QEMU's
 * hw/smbios/smbios.c for the keys.
 */

#include "guest/machine/sysinfo.h"

#include "guest/guest.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/part.h"

#define ENTRY_SIZE_MAX 1024 /* bytes of one text; QEMU's tables hold no more than 64 KiB in all */

/* Names of <entry>, each with QEMU's key. */
typedef struct Entry {
        const char *name, *key;
} Entry;

static const struct {
        const char *element;
        const char *type; /* of the SMBIOS table */
        const Entry entries[9];
} tables[] = {
        { "bios",
          "0",
          { { "vendor", "vendor" },
            { "version", "version" },
            { "date", "date" },
            { "release", "release" } } },
        { "system",
          "1",
          { { "manufacturer", "manufacturer" },
            { "product", "product" },
            { "version", "version" },
            { "serial", "serial" },
            { "uuid", "uuid" },
            { "sku", "sku" },
            { "family", "family" } } },
        { "baseBoard",
          "2",
          { { "manufacturer", "manufacturer" },
            { "product", "product" },
            { "version", "version" },
            { "serial", "serial" },
            { "asset", "asset" },
            { "location", "location" } } },
        { "chassis",
          "3",
          { { "manufacturer", "manufacturer" },
            { "version", "version" },
            { "serial", "serial" },
            { "asset", "asset" },
            { "sku", "sku" } } },
};

static const char *key_of(const Entry *entries, const char *name)
{
        for (const Entry *e = entries; name && e->name; e++)
                if (streq(e->name, name))
                        return e->key;
        return NULL;
}

/* "12/31/2024" or "12/31/24". */
static bool is_date(const char *text)
{
        unsigned month, day, year;
        int n = -1;

        if (sscanf(text, "%2u/%2u/%4u%n", &month, &day, &year, &n) != 3 || n < 0 || text[n])
                return false;
        return month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
               (year < 100 || (year >= 1900 && year <= 9999));
}

static void check_entry(const Guest *g, XmlElement *entry, const char *key)
{
        const char *value = xml_text(entry);
        char uuid[37], own[37];
        const char *expected = g->general->hardware_uuid ?: g->general->uuid;

        if (strlen(value) > ENTRY_SIZE_MAX)
                guest_error(g, entry->place, "<entry>: must be at most %d bytes", ENTRY_SIZE_MAX);
        if (streq(key, "date") && *value && !is_date(value))
                guest_error(g, entry->place, "<entry>: '%s' must be a date such as 12/31/2024", value);
        if (!streq(key, "uuid"))
                return;
        if (text_to_uuid(value, uuid) < 0 || !expected ||
            (text_to_uuid(expected, own) >= 0 && !streq(uuid, own)))
                guest_error(g, entry->place, "<entry>: '%s' must be the guest's UUID", value);
}

static void check_smbios(const Guest *g, XmlElement *smbios)
{
        for (size_t i = 0; i < ELEMENTS(tables); i++) {
                unsigned n = 0;

                XML_FOREACH(table, smbios, tables[i].element) {
                        if (n++ == 1)
                                guest_error(g, table->place, "<%s>: may be given only once", table->name);
                        XML_FOREACH(entry, table, "entry") {
                                const char *name = xml_attribute(entry, "name"),
                                           *key = key_of(tables[i].entries, name);

                                if (!key) {
                                        xml_claim_all(entry);
                                        guest_error(
                                                g, entry->place,
                                                "<entry>: name='%s' is not supported in <%s>", name ?: "",
                                                table->name);
                                } else
                                        check_entry(g, entry, key);
                        }
                }
        }
        XML_FOREACH(strings, smbios, "oemStrings")
                XML_FOREACH(entry, strings, "entry")
                        check_entry(g, entry, "value");
}

/* QEMU accepts any name; those outside opt/ could break the firmware. */
static void check_fwcfg(const Guest *g, XmlElement *fwcfg)
{
        XML_FOREACH(entry, fwcfg, "entry") {
                const char *name = xml_attribute(entry, "name"), *file = xml_attribute(entry, "file");
                const Field path[] = { { "@file", FIELD_PATH, .offset = 0 }, {} };
                const char *unused;

                if (!name || !text_after(name, "opt/") || text_after(name, "opt/ovmf/") ||
                    text_after(name, "opt/org.qemu/"))
                        guest_error(
                                g, entry->place,
                                "<entry>: name must begin with \"opt/\", but not with \"opt/ovmf/\" or "
                                "\"opt/org.qemu/\"");
                else if (strlen(name) > 55) /* FW_CFG_MAX_FILE_PATH, without the NUL */
                        guest_error(g, entry->place, "<entry>: name='%s' must be at most 55 bytes", name);
                if (!file && !*xml_text(entry))
                        guest_error(g, entry->place, "<entry>: requires a text or the attribute file");
                if (file && *xml_text(entry))
                        guest_error(
                                g, entry->place,
                                "<entry>: a text cannot be combined with the attribute file");
                fields_read(entry, path, &unused, g->findings);
        }
}

static void sysinfo_read(Guest *g)
{
        Sysinfo *s = guest_own(g, sysinfo);

        XML_FOREACH(xml, g->xml, "sysinfo") {
                const char *type = xml_attribute(xml, "type");
                XmlElement **to = NULL;

                if (type && streq(type, "smbios"))
                        to = &s->smbios;
                else if (type && streq(type, "fwcfg"))
                        to = &s->fwcfg;
                if (!to)
                        guest_error(g, xml->place, "<sysinfo>: type must be one of: smbios, fwcfg");
                else if (*to)
                        guest_error(g, xml->place, "<sysinfo>: duplicate type='%s'", type);
                else
                        *to = xml;
        }
        if (s->smbios)
                check_smbios(g, s->smbios);
        if (s->fwcfg)
                check_fwcfg(g, s->fwcfg);
}

static void sysinfo_check(const Guest *g)
{
        const Sysinfo *s = g->sysinfo;

        if (g->os->smbios_mode == SMBIOS_HOST)
                guest_error_at(
                        g, "os/smbios",
                        "<smbios>: mode='host' is not supported, since it reveals the host's identity; use "
                        "mode='sysinfo' with <sysinfo>");
        if (g->os->smbios_mode == SMBIOS_SYSINFO && !s->smbios)
                guest_error_at(g, "os/smbios", "<smbios>: mode='sysinfo' requires <sysinfo type='smbios'>");
}

static void build_table(Plan *p, const char *type, const Entry *entries, XmlElement *table)
{
        Props smbios = props_new("type", type);

        XML_FOREACH(entry, table, "entry") {
                const char *key = key_of(entries, xml_attribute(entry, "name"));

                if (key && *xml_text(entry))
                        props_text(&smbios, key, xml_text(entry));
        }
        plan_list_named(p, "-smbios", &smbios);
}

static void build_oem_strings(Plan *p, XmlElement *strings)
{
        Props smbios = props_new("type", "11");
        json_t *values = props_array(&smbios, "value");

        XML_FOREACH(entry, strings, "entry")
                json_array_append_new(values, json_string(xml_text(entry)));
        plan_list_named(p, "-smbios", &smbios);
}

static void build_fwcfg(Plan *p, XmlElement *fwcfg)
{
        XML_FOREACH(entry, fwcfg, "entry") {
                const char *file = xml_attribute(entry, "file");
                Props props = props_new("name", xml_attribute(entry, "name"));

                props_text(&props, file ? "file" : "string", file ?: xml_text(entry));
                if (file)
                        plan_grant(p, file, ACCESS_READ);
                plan_list_named(p, "-fw_cfg", &props);
        }
}

static void sysinfo_build(const Guest *g, Plan *p)
{
        const Sysinfo *s = g->sysinfo;

        if (s->fwcfg)
                build_fwcfg(p, s->fwcfg);
        if (g->os->smbios_mode != SMBIOS_SYSINFO || !s->smbios)
                return;
        for (size_t i = 0; i < ELEMENTS(tables); i++) {
                XmlElement *table = xml_child(s->smbios, tables[i].element);

                if (table)
                        build_table(p, tables[i].type, tables[i].entries, table);
        }
        XML_FOREACH(strings, s->smbios, "oemStrings")
                build_oem_strings(p, strings);
}

const GuestPart part_sysinfo = {
        GUEST_PART(Sysinfo, sysinfo),
        .read = sysinfo_read,
        .check = sysinfo_check,
        .build = sysinfo_build,
};
