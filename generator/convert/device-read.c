/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads what every element of <devices> may contain, whatever its kind; each kind reads the rest. The XML is
 * not trusted: what neither reads remains unclaimed and is refused.
 */

#include "generator/convert/device-read.h"

#include <string.h>

#include "contract/limits.h"
#include "guest/guest.h"
#include "guest/place/address.h"
#include "util/text.h"

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

/* The number of a device among others would change with each fragment. */
static void name_by_fragment(Guest *g, Device *d)
{
        if (!d->xml->fragment || d->xml->instead_of)
                return;
        d->id = guest_text(g, "f-%s", d->xml->fragment);
        d->user_id = true;
}

/* libvirt keeps only aliases that users chose, which begin with "ua-"; it generates all others at each
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
            strlen(name) > ALIAS_MAX) {
                guest_error(
                        g, alias->place,
                        "<alias>: '%s' is not valid: at most %u letters, digits, \"-\" and \"_\"", name,
                        ALIAS_MAX);
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
        if (file && !*file) { /* how enabled='no' was written before it existed */
                d->rom.enabled = OFF;
                return;
        }
        fields_read(d->xml, rom_file_fields, &d->rom, g->findings);
        if (d->rom.enabled == OFF && (d->rom.bar != UNSET || d->rom.file))
                device_error(g, d, "<rom>: enabled='no' cannot be combined with bar or file");
}

void device_read(Guest *g, XmlElement *e, const DeviceKind *kind)
{
        Device *d = guest_add_device(g, kind);

        if (!d)
                return;
        d->xml = e;
        d->place = e->place;
        e->claimed = true;
        if (kind->type)
                (void) xml_attribute(e, "type");
        name_by_fragment(g, d);
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
