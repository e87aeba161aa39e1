/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A copy takes hours, so whether the guest may have it is found out before, by a conversion of the guest as
 * it would be. That also says how QEMU has to open the copy: as it would at the next start.
 */

#include "operate/move.h"

#include <errno.h>

#include "guest/xml/write.h"
#include "operate/operation-private.h"

static XmlElement *with_image(const XmlElement *disk, const ChainImage *to)
{
        _cleanup_(xml_freep) XmlElement *e = operation_copy(disk);

        if (!e)
                return NULL;
        xml_remove_children(e, "source");
        xml_remove_children(e, "backingStore");
        if (!streq(to->format, "raw") && operation_end_chain(e) < 0)
                return NULL;
        if (xml_set(e, "@type", to->block ? "block" : "file") < 0 || xml_set(e, "driver@name", "qemu") < 0 ||
            xml_set(e, "driver@type", to->format) < 0 ||
            xml_set(e, to->block ? "source@dev" : "source@file", to->path) < 0)
                return NULL;
        return TAKE_PTR(e);
}

int operation_move_disk(Operation *o, const DiskImage *image, const ChainImage *to)
{
        _cleanup_(xml_freep) XmlElement *e = with_image(image->xml, to);

        return e ? operation_put_disk(o, image->xml, e) : operation_fail(o, -ENOMEM, "out of memory");
}

/* ——— without writing ——— */

static XmlElement *find_disk(const XmlElement *domain, const char *target)
{
        const XmlElement *devices = xml_peek_child(domain, "devices");

        for (XmlElement *e = devices ? devices->first : NULL; e; e = e->next) {
                const char *name = streq(e->name, "disk") ? xml_peek(e, "target@dev") : NULL;

                if (name && streq(name, target))
                        return e;
        }
        return NULL;
}

static int convert(Operation *o, const DiskImage *image, const ChainImage *to, Conversion *c)
{
        _cleanup_(xml_freep) XmlElement *domain = operation_copy(o->now.guest->xml),
                                        *e = with_image(image->xml, to);
        XmlElement *disk = domain ? find_disk(domain, image->target) : NULL;
        _cleanup_(freep) char *text = NULL;
        int r;

        if (!disk || !e)
                return -ENOMEM;
        xml_replace(disk, TAKE_PTR(e));
        text = xml_write(domain);
        r = text ? conversion_start(c, o->host) : -ENOMEM;
        return r < 0 ? r : conversion_data(c, o->file, text, strlen(text), NULL);
}

/* The JSON of that option in which the key has that value; a new reference, or NULL. */
static json_t *find_option(const Plan *p, const char *option, const char *key, const char *value)
{
        for (size_t i = 0; value && i + 1 < p->argv.count; i++) {
                json_t *json =
                        streq(p->argv.items[i], option) ? json_loads(p->argv.items[i + 1], 0, NULL) : NULL;

                if (streq_null(json_string_value(json_object_get(json, key)), value))
                        return json;
                json_decref(json);
        }
        return NULL;
}

static json_t *find_below(const Plan *p, const json_t *option, const char *key)
{
        return find_option(p, "-blockdev", "node-name", json_string_value(json_object_get(option, key)));
}

static bool is_filter(const json_t *node)
{
        const char *driver = json_string_value(json_object_get(node, "driver"));

        return streq_null(driver, "throttle") || streq_null(driver, "copy-on-read");
}

static const char *id_of(const Guest *g, const char *target)
{
        for (size_t i = 0; i < g->n_devices; i++)
                if (g->devices[i]->xml && streq(g->devices[i]->xml->name, "disk") &&
                    streq_null(xml_peek(g->devices[i]->xml, "target@dev"), target))
                        return g->devices[i]->id;
        return NULL;
}

/* The node below the filters; NULL if there is none. */
static json_t *find_image(const Plan *p, const char *id)
{
        json_t *device = find_option(p, "-device", "id", id), *node = find_below(p, device, "drive");

        json_decref(device);
        while (node && is_filter(node)) {
                json_t *below = find_below(p, node, "file");

                json_decref(node);
                node = below;
        }
        return node;
}

static int find_nodes(
        Operation *o, const Conversion *c, const char *target, json_t **storage, json_t **format)
{
        json_t *top = find_image(&c->plan, id_of(c->guest, target)),
               *below = find_below(&c->plan, top, "file");

        if (!top)
                return operation_fail(o, -EINVAL, "disk %s would not be one that QEMU opens", target);
        *storage = below ?: top;
        *format = below ? top : NULL;
        return 0;
}

static const char *first_error(const Findings *findings)
{
        for (size_t i = 0; i < findings_count(findings); i++)
                if (findings_get(findings, i)->severity >= SEVERITY_DENIAL)
                        return findings_get(findings, i)->text;
        return "its XML cannot be converted";
}

int operation_try_move(
        Operation *o, const DiskImage *image, const ChainImage *to, json_t **ret_storage,
        json_t **ret_format)
{
        _cleanup_(conversion_done) Conversion c = { 0 };
        int r = convert(o, image, to, &c);

        if (r == -ENOMEM)
                return operation_fail(o, r, "out of memory");
        if (r < 0)
                return operation_fail(
                        o, -EINVAL, "the guest would be refused with %s: %s", to->path,
                        first_error(c.findings));
        return find_nodes(o, &c, image->target, ret_storage, ret_format);
}
