/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The result describes the same guest as what was converted, and no longer depends on how a version of
 * vmunit completes it: converted again, it becomes the same command line, and completed again, the same XML.
 * tests/golden holds it for all of its guests. Ids differ only where fragments removed devices, which count
 * among the others as long as the fragments are there.
 */

#include "generator/definition/definition.h"

#include <errno.h>

#include "guest/identity.h"
#include "guest/place/address.h"
#include "guest/xml/write.h"

#define HIDDEN "*****" /* libvirt's */

/* <uuid> belongs near the name. */
static int complete_identities(Guest *g)
{
        XmlElement *name = xml_peek_child(g->xml, "name"), *uuid;
        bool had_uuid = xml_peek_child(g->xml, "uuid");

        for (size_t i = 0; i < g->n_identities; i++) {
                const Identity *id = &g->identities[i];

                if (id->missing && xml_set((XmlElement *) id->element, id->path, id->value) < 0)
                        return -ENOMEM;
        }
        uuid = xml_peek_child(g->xml, "uuid");
        if (!had_uuid && uuid && name)
                xml_move_behind(uuid, name);
        return 0;
}

/* The element of an implied device. */
static int add_element(XmlElement *devices, Device *d)
{
        XmlElement *e = xml_new(d->kind->element);

        if (!e)
                return -ENOMEM;
        xml_append(devices, e);
        d->xml = e;
        return d->kind->type ? xml_set(e, "@type", d->kind->type) : 0;
}

/* Those that libvirt made up at run time are of another start. */
static int complete_alias(const Device *d, DefinitionFlags flags)
{
        const char *alias = xml_peek(d->xml, "alias@name");

        if (alias && text_after(alias, "ua-"))
                return 0;
        xml_remove_children(d->xml, "alias");
        return flags & DEFINITION_ALIASES && d->id ? xml_set(d->xml, "alias@name", d->id) : 0;
}

static int complete_device(const Guest *g, XmlElement *devices, Device *d, DefinitionFlags flags)
{
        int r = 0;

        if (device_is_removed(d) || (!d->xml && !d->kind->describe))
                return 0;
        if (!d->xml)
                r = add_element(devices, d);
        if (r >= 0 && d->kind->describe)
                r = d->kind->describe(g, d, d->xml);
        r = r < 0 ? r : complete_alias(d, flags);
        if (r < 0 || d->bus == BUS_NONE || d->address.type == ADDRESS_NONE)
                return r;
        return address_write(d->xml, &d->address);
}

static int hide_password(XmlElement *device, DefinitionFlags flags)
{
        if (flags & DEFINITION_SECRETS || !streq(device->name, "graphics") || !xml_peek(device, "@passwd"))
                return 0;
        return xml_set(device, "@passwd", HIDDEN);
}

int definition_complete(Conversion *c, DefinitionFlags flags)
{
        Guest *g = c->guest;
        XmlElement *devices = xml_peek_child(g->xml, "devices");
        int r = 0;

        if (!devices) {
                devices = xml_new("devices");
                if (!devices)
                        return -ENOMEM;
                xml_append(g->xml, devices);
        }
        r = complete_identities(g);
        for (size_t i = 0; r >= 0 && i < g->n_devices; i++)
                r = complete_device(g, devices, g->devices[i], flags);
        for (XmlElement *e = devices->first; r >= 0 && e; e = e->next)
                r = hide_password(e, flags);
        return r;
}
