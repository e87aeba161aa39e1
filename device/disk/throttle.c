/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <iotune>, <throttlegroups>, <throttlefilters>: limits on the speed of a disk. libvirt sets <iotune>
 * through the monitor once the guest runs. Here all three are throttle nodes between the image and the
 * guest's drive, so that the limits apply from the start.
 */

#include "device/disk/disk.h"

#include <ctype.h>

#include "guest/guest.h"

static const struct {
        const char *element, *limit; /* of <iotune>; of QEMU's ThrottleLimits */
} limits[THROTTLE_LIMITS] = {
        { "total_bytes_sec", "bps-total" },
        { "read_bytes_sec", "bps-read" },
        { "write_bytes_sec", "bps-write" },
        { "total_iops_sec", "iops-total" },
        { "read_iops_sec", "iops-read" },
        { "write_iops_sec", "iops-write" },
        { "total_bytes_sec_max", "bps-total-max" },
        { "read_bytes_sec_max", "bps-read-max" },
        { "write_bytes_sec_max", "bps-write-max" },
        { "total_iops_sec_max", "iops-total-max" },
        { "read_iops_sec_max", "iops-read-max" },
        { "write_iops_sec_max", "iops-write-max" },
        { "total_bytes_sec_max_length", "bps-total-max-length" },
        { "read_bytes_sec_max_length", "bps-read-max-length" },
        { "write_bytes_sec_max_length", "bps-write-max-length" },
        { "total_iops_sec_max_length", "iops-total-max-length" },
        { "read_iops_sec_max_length", "iops-read-max-length" },
        { "write_iops_sec_max_length", "iops-write-max-length" },
        { "size_iops_sec", "iops-size" },
};

enum {
        LIMIT_TOTAL,
        LIMIT_READ,
        LIMIT_WRITE,
        LIMIT_IOPS = 3, /* 0 … 2 limit bytes, 3 … 5 operations */
        LIMIT_MAX = 6,  /* the bursts of the first six */
        LIMIT_MAX_LENGTH = 12,
        LIMIT_SIZE = 18,
};

/* QEMU's THROTTLE_VALUE_MAX, less what it needs of room itself. */
#define LIMIT_VALUE_MAX UINT64_C(1000000000000000)

static void read_limits(Guest *g, XmlElement *e, DiskThrottle *t)
{
        t->xml = e;
        for (unsigned i = 0; i < THROTTLE_LIMITS; i++) {
                const Field fields[] = {
                        { .path = limits[i].element,
                          .type = FIELD_NUMBER,
                          .offset = offsetof(DiskThrottle, limits) + i * sizeof(Number),
                          .max = LIMIT_VALUE_MAX },
                        {},
                };

                fields_read(e, fields, t, g->findings);
        }
        fields_read(
                e, (const Field[]){ FIELD("group_name", FIELD_TEXT, DiskThrottle, group), {} }, t,
                g->findings);
}

/* The same without findings, for when these were already reported. */
static void limits_of(XmlElement *e, DiskThrottle *t)
{
        *t = (DiskThrottle){ .xml = e, .group = xml_text(xml_child(e, "group_name")) };
        for (unsigned i = 0; i < THROTTLE_LIMITS; i++) {
                XmlElement *limit = xml_child(e, limits[i].element);

                if (limit)
                        t->limits[i].set =
                                text_to_u64(xml_text(limit), LIMIT_VALUE_MAX, &t->limits[i].value) >= 0;
        }
}

static bool has_limits(const DiskThrottle *t)
{
        for (unsigned i = 0; i < THROTTLE_LIMITS; i++)
                if (t->limits[i].value > 0)
                        return true;
        return false;
}

static void check_limits(const Guest *g, const DiskThrottle *t)
{
        const Number *l = t->limits;

        for (unsigned i = 0; i < LIMIT_MAX_LENGTH; i += 3)
                if (l[i + LIMIT_TOTAL].value > 0 &&
                    (l[i + LIMIT_READ].value > 0 || l[i + LIMIT_WRITE].value > 0))
                        guest_error(
                                g, t->xml->place, "<%s>: %s cannot be combined with %s or %s", t->xml->name,
                                limits[i].element, limits[i + LIMIT_READ].element,
                                limits[i + LIMIT_WRITE].element);
        for (unsigned i = 0; i < LIMIT_MAX; i++) {
                if (l[i + LIMIT_MAX].value > 0 && l[i + LIMIT_MAX].value < l[i].value)
                        guest_error(
                                g, t->xml->place, "<%s>: %s must not be less than %s", t->xml->name,
                                limits[i + LIMIT_MAX].element, limits[i].element);
                if (l[i + LIMIT_MAX].value > 0 && l[i].value == 0)
                        guest_error(
                                g, t->xml->place, "<%s>: %s requires %s", t->xml->name,
                                limits[i + LIMIT_MAX].element, limits[i].element);
                if (l[i + LIMIT_MAX_LENGTH].value > 0 && l[i + LIMIT_MAX].value == 0)
                        guest_error(
                                g, t->xml->place, "<%s>: %s requires %s", t->xml->name,
                                limits[i + LIMIT_MAX_LENGTH].element, limits[i + LIMIT_MAX].element);
        }
}

static void build_group(const DiskThrottle *t, const char *name, Plan *p)
{
        Props group = props_new("qom-type", "throttle-group");
        json_t *object;

        props_textf(&group, "id", "throttle-%s", name);
        object = props_object(&group, "limits");
        /* 0 means no limit; but a burst with a length of 0 is not allowed */
        for (unsigned i = 0; i < THROTTLE_LIMITS; i++)
                if (t->limits[i].value > 0 || i < LIMIT_MAX_LENGTH || i == LIMIT_SIZE)
                        json_object_set_new(
                                object, limits[i].limit, json_integer((json_int_t) t->limits[i].value));
        plan_json(p, "-object", &group);
}

/* Characters allowed in the name of an object (QEMU's id_wellformed()). */
static bool is_object_name(const char *name)
{
        for (const char *c = name; *c; c++)
                if (!isascii(*c) || !(isalnum((unsigned char) *c) || strchr("-._", *c)))
                        return false;
        return *name && strlen(name) < 100;
}

static XmlElement *find_group(const Guest *g, const char *name)
{
        XmlElement *groups = xml_child(g->xml, "throttlegroups");

        if (!groups)
                return NULL;
        XML_FOREACH(e, groups, "throttlegroup") {
                XmlElement *e_name = xml_child(e, "group_name");

                if (e_name && streq(xml_text(e_name), name))
                        return e;
        }
        return NULL;
}

void throttle_groups_read(Guest *g)
{
        XmlElement *groups = xml_child(g->xml, "throttlegroups");

        if (!groups)
                return;
        XML_FOREACH(e, groups, "throttlegroup") {
                DiskThrottle t = { 0 };

                read_limits(g, e, &t);
                check_limits(g, &t);
                if (!t.group || !is_object_name(t.group))
                        guest_error(
                                g, e->place,
                                "<throttlegroup>: <group_name> is required and may contain only letters, "
                                "digits, \"-\", \".\" and \"_\"");
                else if (find_group(g, t.group) != e)
                        guest_error(
                                g, e->place,
                                "<throttlegroup>: the name '%s' is already used by another <throttlegroup>",
                                t.group);
        }
}

void throttle_groups_build(const Guest *g, Plan *p)
{
        XmlElement *groups = xml_child(g->xml, "throttlegroups");

        if (!groups)
                return;
        XML_FOREACH(e, groups, "throttlegroup") {
                DiskThrottle t;

                limits_of(e, &t);
                build_group(&t, t.group, p);
        }
}

void throttle_read(Guest *g, Disk *disk)
{
        XmlElement *e = xml_child(disk->device.xml, "iotune");

        if (e)
                read_limits(g, e, &disk->throttle);
        disk->filters = xml_child(disk->device.xml, "throttlefilters");
        if (disk->filters)
                XML_FOREACH(filter, disk->filters, "throttlefilter")
                        (void) xml_attribute(filter, "group");
}

/* The first disk of a group that sets limits sets them for the whole group. */
static const Disk *leader(const Guest *g, const Disk *disk)
{
        const Disk *first = NULL;

        if (!disk->throttle.group)
                return disk;
        GUEST_FOREACH_DEVICE(g, disk->device.kind, d) {
                const DiskThrottle *t = &device_disk(d)->throttle;

                if (!t->group || !streq(t->group, disk->throttle.group))
                        continue;
                if (has_limits(t))
                        return device_disk(d);
                first = first ?: device_disk(d);
        }
        return first;
}

void throttle_check(const Guest *g, const Disk *disk)
{
        const DiskThrottle *t = &disk->throttle;

        if (t->xml) {
                const Disk *first = leader(g, disk);

                check_limits(g, t);
                if (t->group && !has_limits(&first->throttle))
                        guest_error(
                                g, t->xml->place, "<iotune>: no disk in the group '%s' sets any limits",
                                t->group);
                if (has_limits(t) && memcmp(first->throttle.limits, t->limits, sizeof(t->limits)) != 0)
                        guest_error(
                                g, t->xml->place,
                                "<iotune>: the limits of the group '%s' must be the same as in line %u",
                                t->group, first->throttle.xml->place.line);
        }
        if (!disk->filters)
                return;
        if (t->xml)
                guest_error(g, disk->filters->place, "<throttlefilters>: cannot be combined with <iotune>");
        XML_FOREACH(filter, disk->filters, "throttlefilter") {
                const char *group = xml_attribute(filter, "group");

                if (!group || !find_group(g, group))
                        guest_error(
                                g, filter->place, "<throttlefilter>: <throttlegroup> '%s' does not exist",
                                group ?: "");
        }
}

void throttle_name(Guest *g, Disk *disk)
{
        disk->n_filters = has_limits(&leader(g, disk)->throttle);
        if (disk->filters)
                XML_FOREACH(filter, disk->filters, "throttlefilter")
                        disk->n_filters++;
        disk->first_filter = g->n_images + 1;
        g->n_images += disk->n_filters;
}

unsigned throttle_count(const XmlElement *disk)
{
        unsigned n = 0;

        for (const XmlElement *e = disk->first; e; e = e->next)
                for (const XmlElement *c = e->first; c; c = c->next)
                        if (streq(e->name, "throttlefilters"))
                                n++;
                        else if (
                                streq(e->name, "iotune") && !streq(c->name, "group_name") && c->text &&
                                !streq(c->text, "0"))
                                return 1;
        return n;
}

ThrottleNode throttle_node(const Disk *disk, unsigned number)
{
        ThrottleNode node;

        if (disk->filter_prefix)
                snprintf(
                        node.text, sizeof(node.text), "%s-filter%u", disk->filter_prefix,
                        number - disk->first_filter);
        else
                snprintf(node.text, sizeof(node.text), "libvirt-%u-filter", number);
        return node;
}

static void build_node(const Disk *disk, unsigned number, const char *group, const char *below, Plan *p)
{
        Props throttle = props_new("driver", "throttle");

        props_text(&throttle, "node-name", throttle_node(disk, number).text);
        props_textf(&throttle, "throttle-group", "throttle-%s", group);
        props_text(&throttle, "file", below);
        plan_json(p, "-blockdev", &throttle);
}

void throttle_build(const Guest *g, const Disk *disk, const char *below, Plan *p)
{
        const Disk *first = leader(g, disk);
        unsigned number = disk->first_filter;

        if (has_limits(&first->throttle)) {
                if (first == disk)
                        build_group(&disk->throttle, disk->target, p);
                build_node(disk, number++, first->target, below, p);
        }
        if (!disk->filters)
                return;
        XML_FOREACH(filter, disk->filters, "throttlefilter") {
                ThrottleNode before = throttle_node(disk, number - 1);

                build_node(
                        disk, number, xml_attribute(filter, "group"),
                        number == disk->first_filter ? below : before.text, p);
                number++;
        }
}
