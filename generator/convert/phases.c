/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The whole XML is read before anything is decided, so that defaults can depend on everything. An error does
 * not end its phase, only the conversion: one run reports as many errors as possible.
 */

#include "generator/convert/phases.h"

#include <errno.h>

#include "generator/convert/device-read.h"
#include "guest/parts.h"
#include "guest/place/boot.h"
#include "guest/place/device-props.h"
#include "guest/placement/place.h"
#include "util/text.h"

/* In the order in which parts are read, completed, checked and built. */
static const GuestPart *const guest_parts[] = {
#define PART(name) &part_##name,
        GUEST_PARTS(PART)
#undef PART
                NULL,
};

static bool allocate_parts(Guest *g)
{
        for (const GuestPart *const *part = guest_parts; *part; part++) {
                void *memory;

                if ((*part)->size == 0)
                        continue;
                memory = guest_zeroed(g, 1, (*part)->size);
                if (!memory)
                        return false;
                memcpy((char *) g + (*part)->offset, &memory, sizeof(memory));
        }
        return true;
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

/* An element that no kind accepts stays unclaimed, and is reported as such with the nearest of these. */
static void expect_kinds(const Guest *g, XmlElement *devices, XmlElement *e)
{
        for (const DeviceKind *const *k = g->kinds; *k; k++)
                if (!streq((*k)->element, e->name))
                        xml_expect(devices, XML_CHILD, (*k)->element, strlen((*k)->element));
                else if ((*k)->type)
                        xml_expect(e, XML_TYPE, (*k)->type, strlen((*k)->type));
}

static void read_devices(Guest *g)
{
        XmlElement *devices = xml_child(g->xml, "devices");

        g->devices_place = devices ? devices->place : g->xml->place;
        for (XmlElement *e = devices ? devices->first : NULL; e; e = e->next) {
                const DeviceKind *kind = kind_of(g, e);

                if (g->n_devices == GUEST_DEVICES_MAX) {
                        guest_error(
                                g, e->place, "<devices>: at most %d devices are supported",
                                GUEST_DEVICES_MAX);
                        return;
                }
                if (kind)
                        device_read(g, e, kind);
                else
                        expect_kinds(g, devices, e);
        }
}

XmlElement *phases_parse(const char *file, const char *data, size_t size, Findings *findings)
{
        _cleanup_(xml_freep) XmlElement *xml = xml_parse(file, data, size, findings);

        if (!xml)
                return NULL;
        if (!streq(xml->name, "domain")) {
                finding(findings, SEVERITY_ERROR, xml->place,
                        "expected <domain>, but the root element is <%s>", xml->name);
                return NULL;
        }
        return TAKE_PTR(xml);
}

const char *phases_name(XmlElement *xml)
{
        XmlElement *name = xml_child(xml, "name");

        return name ? xml_text(name) : "";
}

Guest *phases_read(
        const char *file, XmlElement *xml, const DeviceKind *const *kinds, const Settings *settings,
        Findings *findings)
{
        _cleanup_(guest_freep) Guest *g = guest_new(file, kinds, settings, findings);

        if (g)
                g->xml = xml;
        else
                xml_free(xml);
        if (!g || !allocate_parts(g)) {
                finding(findings, SEVERITY_ERROR, (Place){ file }, "out of memory");
                return NULL;
        }
        for (const GuestPart *const *p = guest_parts; *p; p++)
                if ((*p)->read)
                        (*p)->read(g);
        read_devices(g);
        return TAKE_PTR(g);
}

/* A device's complete() may add further devices; they are appended and completed in turn. */
static void complete(Guest *g)
{
        for (const GuestPart *const *part = guest_parts; *part; part++)
                if ((*part)->complete)
                        (*part)->complete(g);
        for (const DeviceKind *const *k = g->kinds; *k; k++)
                if ((*k)->imply)
                        (*k)->imply(g);
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->kind->complete)
                        g->devices[i]->kind->complete(g, g->devices[i]);
}

static void place(Guest *g)
{
        place_devices(g);
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->kind->placed)
                        g->devices[i]->kind->placed(g, g->devices[i]);
        boot_order_assign(g);
}

static void check(Guest *g)
{
        for (const GuestPart *const *part = guest_parts; *part; part++)
                if ((*part)->check)
                        (*part)->check(g);
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->kind->check && !device_is_removed(g->devices[i]))
                        g->devices[i]->kind->check(g, g->devices[i]);
}

static void build(const Guest *g, Plan *p)
{
        for (const GuestPart *const *part = guest_parts; *part; part++) {
                plan_build_at(p, g->xml->place, g->xml->name);
                if ((*part)->build)
                        (*part)->build(g, p);
        }
        for (const DeviceKind *const *k = g->kinds; *k; k++)
                GUEST_FOREACH_DEVICE(g, *k, d)
                        if (d->kind->build && !device_is_removed(d)) {
                                plan_build_at(p, d->place, d->kind->element);
                                d->kind->build(g, d, p);
                                device_grants(d, p);
                        }
        plan_build_at(p, g->xml->place, g->xml->name);
        for (size_t i = ELEMENTS(guest_parts) - 1; i-- > 0;)
                if (guest_parts[i]->build_last)
                        guest_parts[i]->build_last(g, p);
        plan_check_limits(p, g->findings);
        plan_check_uses(g, p);
}

int phases_place(Guest *g)
{
        if (findings_failed(g->findings))
                return -EINVAL;
        complete(g);
        if (g->status < 0)
                return g->status;
        place(g);
        return findings_failed(g->findings) ? -EINVAL : g->status;
}

int phases_convert(Guest *g, Plan *plan)
{
        if (!findings_failed(g->findings)) {
                if (phases_place(g) == -ENOMEM)
                        return -ENOMEM;
                check(g);
        }
        xml_report_unclaimed(g->xml, g->findings);
        /* what only the policy forbids is built all the same, so that it forbids everything at once */
        if (findings_failed(g->findings) && !findings_denied(g->findings))
                return -EINVAL;
        build(g, plan);
        if (plan->status < 0 || g->status < 0)
                return plan->status < 0 ? plan->status : g->status;
        return findings_failed(g->findings) ? -EINVAL : 0;
}
