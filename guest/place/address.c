/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads and writes <address>. Each type of address has its own attributes, so each has a table. A missing
 * attribute counts as 0, except the port of a USB address: placement chooses that. Whether the address is
 * free and suitable is checked by placement.
 */

#include "guest/place/address.h"

#include "guest/guest.h"
#include "guest/xml/write.h"
#include "util/text.h"

/* All attributes of all types; each table below fills in its own. */
typedef struct Raw {
        Number domain, bus, slot, function, controller, target, unit, port, iobase, irq, base;
        Tristate multifunction;
        const char *usb_port;
} Raw;

static const Field pci_fields[] = {
        FIELD_IN_RANGE("@domain", Raw, domain, 0, UINT16_MAX),
        FIELD_IN_RANGE("@bus", Raw, bus, 0, UINT8_MAX),
        FIELD_IN_RANGE("@slot", Raw, slot, 0, 31),
        FIELD_IN_RANGE("@function", Raw, function, 0, 7),
        FIELD("@multifunction", FIELD_SWITCH, Raw, multifunction),
        FIELD_SAID("zpci", FIELD_REFUSED, "exists only on s390; remove it"),
        {},
};

static const Field drive_fields[] = {
        FIELD_IN_RANGE("@controller", Raw, controller, 0, UINT8_MAX),
        FIELD_IN_RANGE("@bus", Raw, bus, 0, UINT8_MAX),
        FIELD_IN_RANGE("@target", Raw, target, 0, UINT8_MAX),
        FIELD_IN_RANGE("@unit", Raw, unit, 0, 16383),
        {},
};

static const Field serial_fields[] = {
        FIELD_IN_RANGE("@controller", Raw, controller, 0, UINT8_MAX),
        FIELD_IN_RANGE("@bus", Raw, bus, 0, UINT8_MAX),
        FIELD_IN_RANGE("@port", Raw, port, 0, 511),
        {},
};

static const Field ccid_fields[] = {
        FIELD_IN_RANGE("@controller", Raw, controller, 0, UINT8_MAX),
        FIELD_IN_RANGE("@slot", Raw, slot, 0, UINT8_MAX),
        {},
};

static const Field usb_fields[] = {
        FIELD_IN_RANGE("@bus", Raw, bus, 0, UINT8_MAX),
        FIELD("@port", FIELD_TEXT, Raw, usb_port),
        {},
};

static const Field isa_fields[] = {
        FIELD_IN_RANGE("@iobase", Raw, iobase, 0, UINT16_MAX),
        FIELD_IN_RANGE("@irq", Raw, irq, 0, UINT8_MAX),
        {},
};

static const Field dimm_fields[] = {
        FIELD_IN_RANGE("@slot", Raw, slot, 0, UINT8_MAX),
        FIELD_IN_RANGE("@base", Raw, base, 0, 0),
        {},
};

static const Field no_fields[] = { {} };

static const struct {
        const char *word;
        const Field *fields;
} types[] = {
        [ADDRESS_PCI] = { "pci", pci_fields },
        [ADDRESS_DRIVE] = { "drive", drive_fields },
        [ADDRESS_VIRTIO_SERIAL] = { "virtio-serial", serial_fields },
        [ADDRESS_CCID] = { "ccid", ccid_fields },
        [ADDRESS_USB] = { "usb", usb_fields },
        [ADDRESS_ISA] = { "isa", isa_fields },
        [ADDRESS_DIMM] = { "dimm", dimm_fields },
        [ADDRESS_VIRTIO_MMIO] = { "virtio-mmio", no_fields },
        [ADDRESS_MDEV] = { "mdev", no_fields },
        [ADDRESS_UNASSIGNED] = { "unassigned", no_fields },
};

/* "1.2.3": the path from the controller through hubs. */
static bool parse_usb_port(const char *text, unsigned port[static USB_PORT_DEPTH])
{
        for (unsigned depth = 0; depth < USB_PORT_DEPTH; depth++) {
                char *end;
                unsigned long n;

                if (*text < '1' || *text > '9')
                        return false;
                n = strtoul(text, &end, 10);
                if (n > UINT8_MAX)
                        return false;
                port[depth] = (unsigned) n;
                if (*end == '\0')
                        return true;
                if (*end != '.')
                        return false;
                text = end + 1;
        }
        return false;
}

static void fill(Guest *g, XmlElement *e, const Raw *raw, Address *a)
{
        switch (a->type) {
        case ADDRESS_PCI:
                a->pci.domain = (unsigned) raw->domain.value;
                a->pci.bus = (unsigned) raw->bus.value;
                a->pci.slot = (unsigned) raw->slot.value;
                a->pci.function = (unsigned) raw->function.value;
                a->pci.multifunction = raw->multifunction;
                break;
        case ADDRESS_DRIVE:
                a->drive.controller = (unsigned) raw->controller.value;
                a->drive.bus = (unsigned) raw->bus.value;
                a->drive.target = (unsigned) raw->target.value;
                a->drive.unit = (unsigned) raw->unit.value;
                break;
        case ADDRESS_VIRTIO_SERIAL:
                a->serial.controller = (unsigned) raw->controller.value;
                a->serial.bus = (unsigned) raw->bus.value;
                a->serial.port = (unsigned) raw->port.value;
                break;
        case ADDRESS_CCID:
                a->ccid.controller = (unsigned) raw->controller.value;
                a->ccid.slot = (unsigned) raw->slot.value;
                break;
        case ADDRESS_USB:
                a->usb.bus = (unsigned) raw->bus.value;
                if (raw->usb_port && !parse_usb_port(raw->usb_port, a->usb.port))
                        guest_error(
                                g, e->place,
                                "<address>: port='%s' must be at most %d numbers from 1 to 255, separated "
                                "by dots",
                                raw->usb_port, USB_PORT_DEPTH);
                break;
        case ADDRESS_ISA:
                a->isa.iobase = raw->iobase;
                a->isa.irq = raw->irq;
                break;
        case ADDRESS_DIMM:
                a->dimm.slot = raw->slot;
                a->dimm.base = raw->base;
                break;
        default:
                break;
        }
}

void address_read(Guest *g, Device *d)
{
        XmlElement *e = xml_child(d->xml, "address");
        TextNear near = {};
        const char *type;
        Raw raw = {};

        if (!e)
                return;
        type = xml_attribute(e, "type");
        if (!type) {
                guest_error(g, e->place, "<address>: type='…' is missing");
                return;
        }
        near.wrong = type;
        for (size_t i = 1; i < ELEMENTS(types); i++) {
                if (streq(types[i].word, type))
                        d->address.type = (AddressType) i;
                text_near_consider(&near, types[i].word, strlen(types[i].word));
        }
        if (d->address.type == ADDRESS_NONE && *near.found) {
                xml_claim_all(e);
                guest_error(
                        g, e->place, "<address>: type='%s' is not supported; did you mean '%s'?", type,
                        near.found);
                return;
        }
        if (d->address.type == ADDRESS_NONE) {
                xml_claim_all(e);
                guest_error(
                        g, e->place,
                        "<address>: type='%s' is not supported on this architecture; remove <address>, and "
                        "the device gets one",
                        type);
                return;
        }
        fields_read(e, types[d->address.type].fields, &raw, g->findings);
        fill(g, e, &raw, &d->address);
        if (xml_next(e))
                guest_error(g, e->place, "<%s>: <address> may be given only once", d->kind->element);
}

bool address_is_vacant(const Address *a)
{
        if (a->type == ADDRESS_PCI)
                return a->pci.domain == 0 && a->pci.bus == 0 && a->pci.slot == 0;
        if (a->type == ADDRESS_USB)
                return a->usb.port[0] == 0;
        return a->type == ADDRESS_NONE;
}

/* ——— writing ——— */

static int write_pci(XmlElement *e, const Address *a)
{
        int r = xml_setf(e, "address@domain", "0x%04x", a->pci.domain);

        r = r < 0 ? r : xml_setf(e, "address@bus", "0x%02x", a->pci.bus);
        r = r < 0 ? r : xml_setf(e, "address@slot", "0x%02x", a->pci.slot);
        r = r < 0 ? r : xml_setf(e, "address@function", "0x%x", a->pci.function);
        if (r < 0 || a->pci.multifunction == UNSET)
                return r;
        return xml_set(e, "address@multifunction", a->pci.multifunction == ON ? "on" : "off");
}

static int write_drive(XmlElement *e, const Address *a)
{
        int r = xml_setf(e, "address@controller", "%u", a->drive.controller);

        r = r < 0 ? r : xml_setf(e, "address@bus", "%u", a->drive.bus);
        r = r < 0 ? r : xml_setf(e, "address@target", "%u", a->drive.target);
        return r < 0 ? r : xml_setf(e, "address@unit", "%u", a->drive.unit);
}

static int write_serial(XmlElement *e, const Address *a)
{
        int r = xml_setf(e, "address@controller", "%u", a->serial.controller);

        r = r < 0 ? r : xml_setf(e, "address@bus", "%u", a->serial.bus);
        return r < 0 ? r : xml_setf(e, "address@port", "%u", a->serial.port);
}

static int write_usb(XmlElement *e, const Address *a)
{
        int r = xml_setf(e, "address@bus", "%u", a->usb.bus);
        char port[USB_PORT_DEPTH * 4] = "";

        for (unsigned i = 0; i < USB_PORT_DEPTH && a->usb.port[i] > 0; i++)
                (void) snprintf(
                        port + strlen(port), sizeof(port) - strlen(port), "%s%u", i > 0 ? "." : "",
                        a->usb.port[i]);
        return r < 0 ? r : xml_set(e, "address@port", port);
}

int address_write(XmlElement *e, const Address *a)
{
        int r = xml_set(e, "address@type", types[a->type].word);

        if (r < 0)
                return r;
        switch (a->type) {
        case ADDRESS_PCI:
                return write_pci(e, a);
        case ADDRESS_DRIVE:
                return write_drive(e, a);
        case ADDRESS_VIRTIO_SERIAL:
                return write_serial(e, a);
        case ADDRESS_CCID:
                r = xml_setf(e, "address@controller", "%u", a->ccid.controller);
                return r < 0 ? r : xml_setf(e, "address@slot", "%u", a->ccid.slot);
        case ADDRESS_USB:
                return write_usb(e, a);
        case ADDRESS_DIMM:
                return xml_setf(e, "address@slot", "%u", (unsigned) a->dimm.slot.value);
        default:
                return 0;
        }
}

/* ——— naming ——— */

const char *address_usb_port(Guest *g, const Address *a)
{
        const unsigned *p = a->usb.port;

        if (p[0] == 0)
                return "";
        if (p[1] == 0)
                return guest_text(g, "%u", p[0]);
        if (p[2] == 0)
                return guest_text(g, "%u.%u", p[0], p[1]);
        if (p[3] == 0)
                return guest_text(g, "%u.%u.%u", p[0], p[1], p[2]);
        return guest_text(g, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
}

const char *address_text(Guest *g, const Address *a)
{
        switch (a->type) {
        case ADDRESS_PCI:
                return guest_text(
                        g, "PCI address %04x:%02x:%02x.%x", a->pci.domain, a->pci.bus, a->pci.slot,
                        a->pci.function);
        case ADDRESS_DRIVE:
                return guest_text(
                        g, "drive address controller %u, bus %u, target %u, unit %u", a->drive.controller,
                        a->drive.bus, a->drive.target, a->drive.unit);
        case ADDRESS_VIRTIO_SERIAL:
                return guest_text(
                        g, "port %u of virtio-serial controller %u", a->serial.port, a->serial.controller);
        case ADDRESS_CCID:
                return guest_text(g, "slot %u of ccid controller %u", a->ccid.slot, a->ccid.controller);
        case ADDRESS_USB:
                return guest_text(g, "port %s of USB bus %u", address_usb_port(g, a), a->usb.bus);
        case ADDRESS_DIMM:
                return guest_text(g, "memory slot %u", (unsigned) a->dimm.slot.value);
        default:
                return a->type == ADDRESS_NONE ? "no address" : types[a->type].word;
        }
}
