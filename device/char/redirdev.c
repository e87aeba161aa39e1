/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <redirdev>: a USB device on the computer from which the guest is viewed, by the usbredir protocol; and
 * <redirfilter>, which says for all of them what may be redirected. The filter is not a device, but the XML
 * has it among the devices.
 */

#include "device/char/chardev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define DBUS_CHANNEL "org.qemu.usbredir"

typedef struct Redirdev {
        Device device;
        Chardev chardev;
        int bus;
} Redirdev;

typedef struct Redirfilter {
        Device device;
        const char *rules; /* in the format of QEMU's property "filter" */
} Redirfilter;

static const char *const bus_words[] = { "usb", NULL };

static const Field redirdev_fields[] = {
        FIELD_OF_WORDS("@bus", Redirdev, bus, bus_words),
        {},
};

static void redirdev_read(Guest *g, Device *d)
{
        Redirdev *r = DEVICE_AS(Redirdev, d);

        chardev_read(g, d->xml, &r->chardev);
        if (r->chardev.type == CHARDEV_DBUS && !r->chardev.channel)
                r->chardev.channel = DBUS_CHANNEL;
        r->chardev.spice_name = "usbredir";
}

static void redirdev_complete(Guest *g, Device *d)
{
        device_set_id(g, d, "redir%u", d->index);
        d->bus = BUS_USB;
}

static void redirdev_check(const Guest *g, const Device *d)
{
        chardev_check(g, &DEVICE_AS(Redirdev, d)->chardev);
}

static void redirdev_build(const Guest *g, const Device *d, Plan *p)
{
        Props device = props_new("driver", "usb-redir");
        size_t i = 0;
        const Redirfilter *filter = DEVICE_AS(Redirfilter, guest_next_device(g, &kind_redirfilter, &i));

        chardev_build(g, p, &DEVICE_AS(Redirdev, d)->chardev, d->id);
        props_textf(&device, "chardev", "char%s", d->id);
        if (filter)
                props_text(&device, "filter", filter->rules);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

typedef struct Rule {
        const char *class, *vendor, *product, *version;
        Tristate allow;
} Rule;

static const Field rule_fields[] = {
        FIELD("@class", FIELD_TEXT, Rule, class),     FIELD("@vendor", FIELD_TEXT, Rule, vendor),
        FIELD("@product", FIELD_TEXT, Rule, product), FIELD("@version", FIELD_TEXT, Rule, version),
        FIELD("@allow", FIELD_YESNO, Rule, allow),    {},
};

/* "-1" or no value means any. */
static const char *number_text(Guest *g, Place at, const char *name, const char *value, unsigned max)
{
        uint64_t n;

        if (!value || streq(value, "-1"))
                return "-1";
        if (text_to_u64(value, max, &n) < 0) {
                guest_error(g, at, "<usbdev>: %s='%s' must be -1 or a number up to 0x%x", name, value, max);
                return "-1";
        }
        return guest_text(g, max > 0xff ? "0x%04llX" : "0x%02llX", (unsigned long long) n);
}

/* USB writes "1.10" as 0x0110, and "1.1" is the same. */
static const char *version_text(Guest *g, Place at, const char *value)
{
        size_t major, minor;
        unsigned digits[4] = { 0 };

        if (!value || streq(value, "-1"))
                return "-1";
        major = strspn(value, "0123456789");
        minor = value[major] == '.' ? strspn(value + major + 1, "0123456789") : 0;
        if (major < 1 || major > 2 || minor < 1 || minor > 2 || value[major + 1 + minor]) {
                guest_error(g, at, "<usbdev>: version='%s' must be -1 or a version such as 1.10", value);
                return "-1";
        }
        for (size_t i = 0; i < major; i++)
                digits[2 - major + i] = (unsigned) (value[i] - '0');
        for (size_t i = 0; i < minor; i++)
                digits[2 + i] = (unsigned) (value[major + 1 + i] - '0');
        return guest_text(g, "0x%x%x%x%x", digits[0], digits[1], digits[2], digits[3]);
}

static void redirfilter_read(Guest *g, Device *d)
{
        Redirfilter *f = DEVICE_AS(Redirfilter, d);

        if (d->index > 0)
                device_error(g, d, "<redirfilter>: may be given only once");
        XML_FOREACH(e, d->xml, "usbdev") {
                const char *class, *vendor, *product, *version;
                Rule rule = { 0 };

                fields_read(e, rule_fields, &rule, g->findings);
                if (rule.allow == UNSET)
                        guest_error(g, e->place, "<usbdev>: allow='yes' or allow='no' is missing");
                class = number_text(g, e->place, "class", rule.class, 0xff);
                vendor = number_text(g, e->place, "vendor", rule.vendor, 0xffff);
                product = number_text(g, e->place, "product", rule.product, 0xffff);
                version = version_text(g, e->place, rule.version);
                f->rules = guest_text(
                        g, "%s%s%s:%s:%s:%s:%d", f->rules ?: "", f->rules ? "|" : "", class, vendor, product,
                        version, rule.allow == ON);
        }
}

const DeviceKind kind_redirdev = {
        .element = "redirdev",
        .size = sizeof(Redirdev),
        .fields = redirdev_fields,
        .has_boot = true,
        .has_acpi_index = true,
        .read = redirdev_read,
        .complete = redirdev_complete,
        .check = redirdev_check,
        .build = redirdev_build,
};

const DeviceKind kind_redirfilter = {
        .element = "redirfilter",
        .size = sizeof(Redirfilter),
        .read = redirfilter_read,
};
