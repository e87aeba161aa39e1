/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <smartcard>: the host's reader through NSS, certificates from an NSS database, or a stream from outside.
 */

#include "device/char/chardev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define DEFAULT_DATABASE "/etc/pki/nssdb"
#define CERTIFICATES     3

typedef enum SmartcardMode {
        SMARTCARD_HOST = 1,
        SMARTCARD_CERTIFICATES,
        SMARTCARD_PASSTHROUGH,
} SmartcardMode;

typedef struct Smartcard {
        Device device;
        Chardev chardev;
        int mode; /* SmartcardMode */
        const char *certificates[CERTIFICATES], *database;
} Smartcard;

static const char *const mode_words[] = { "host", "host-certificates", "passthrough", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@mode", Smartcard, mode, mode_words),
        {},
};

static const Field certificates_fields[] = {
        FIELD("database", FIELD_PATH, Smartcard, database),
        {},
};

static void read_certificates(Guest *g, Smartcard *s)
{
        unsigned n = 0;

        fields_read(s->device.xml, certificates_fields, s, g->findings);
        XML_FOREACH(e, s->device.xml, "certificate") {
                if (n < CERTIFICATES)
                        s->certificates[n] = xml_text(e);
                if (n < CERTIFICATES && !*s->certificates[n])
                        guest_error(g, e->place, "<certificate> is empty");
                n++;
        }
        if (n != CERTIFICATES)
                device_error(
                        g, &s->device,
                        "<smartcard>: mode='host-certificates' requires exactly three <certificate> "
                        "elements");
}

static void smartcard_read(Guest *g, Device *d)
{
        Smartcard *s = DEVICE_AS(Smartcard, d);

        if (d->index > 0)
                device_error(g, d, "<smartcard>: a guest can have at most one");
        if (s->mode == SMARTCARD_PASSTHROUGH)
                chardev_read(g, d->xml, &s->chardev);
        else if (s->mode == SMARTCARD_CERTIFICATES)
                read_certificates(g, s);
        else if (!s->mode)
                device_error(g, d, "<smartcard>: mode='…' is missing");
}

static void smartcard_complete(Guest *g, Device *d)
{
        Smartcard *s = DEVICE_AS(Smartcard, d);

        if (!s->database)
                s->database = DEFAULT_DATABASE;
        s->chardev.spice_name = "smartcard";
        device_set_id(g, d, "smartcard%u", d->index);
        d->bus = BUS_CCID;
}

static void smartcard_check(const Guest *g, const Device *d)
{
        const Smartcard *s = DEVICE_AS(Smartcard, d);

        if (s->mode == SMARTCARD_PASSTHROUGH)
                chardev_check(g, &s->chardev);
        if (d->address.type == ADDRESS_CCID && (d->address.ccid.controller > 0 || d->address.ccid.slot > 0))
                device_error(g, d, "<smartcard>: QEMU supports only slot 0 of controller 0");
}

/* NSS finds the card through the PC/SC daemon. */
static Props host_card(Plan *p)
{
        Props device = props_new("driver", "ccid-card-emulated");

        props_text(&device, "backend", "nss-emulated");
        plan_directive(p, "BindReadOnlyPaths", "-%s", DEFAULT_DATABASE);
        plan_directive(p, "BindPaths", "-/run/pcscd");
        plan_peers(p);
        return device;
}

static Props certificates_card(const Smartcard *s, Plan *p)
{
        static const char *const keys[CERTIFICATES] = { "cert1", "cert2", "cert3" };
        Props device = props_new("driver", "ccid-card-emulated");

        props_text(&device, "backend", "certificates");
        for (unsigned i = 0; i < CERTIFICATES; i++)
                props_text(&device, keys[i], s->certificates[i]);
        props_text(&device, "db", s->database);
        plan_directive(p, "BindReadOnlyPaths", "%s", s->database);
        return device;
}

static void smartcard_build(const Guest *g, const Device *d, Plan *p)
{
        const Smartcard *s = DEVICE_AS(Smartcard, d);
        Props device;

        if (s->mode == SMARTCARD_HOST) {
                device = host_card(p);
        } else if (s->mode == SMARTCARD_CERTIFICATES) {
                device = certificates_card(s, p);
        } else {
                chardev_build(g, p, &s->chardev, d->id);
                device = props_new("driver", "ccid-card-passthru");
                props_textf(&device, "chardev", "char%s", d->id);
        }
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_smartcard = {
        .element = "smartcard",
        .size = sizeof(Smartcard),
        .fields = fields,
        .has_acpi_index = true,
        .read = smartcard_read,
        .complete = smartcard_complete,
        .check = smartcard_check,
        .build = smartcard_build,
};
