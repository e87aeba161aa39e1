/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <interface type='hostdev'>: a network card of the host, passed to the guest like <hostdev
 * type='pci'> (device/hostdev/). vm-launcher prepare sets its MAC address and VLAN before QEMU opens it.
 */

#include "device/hostdev/hostdev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/plan.h"

typedef struct InterfaceHostdev {
        HostPciDevice head;
        const char *mac;
        Number vlan;
        XmlElement *vlan_element;
} InterfaceHostdev;

static const Field fields[] = {
        HOST_PCI_FIELDS(InterfaceHostdev, head.host),
        FIELD("mac@address", FIELD_MAC, InterfaceHostdev, mac),
        FIELD_OF_WORDS("teaming@type", InterfaceHostdev, head.teaming.type, hostdev_teaming_words),
        FIELD("teaming@persistent", FIELD_TEXT, InterfaceHostdev, head.teaming.persistent),
        FIELD("vlan", FIELD_ELEMENT, InterfaceHostdev, vlan_element),
        FIELD_IN_RANGE("vlan/tag@id", InterfaceHostdev, vlan, 0, 4095),
        FIELD_SAID("model@type", FIELD_IGNORED, NULL), /* the guest sees the real card */
        FIELD_SAID(
                "virtualport", FIELD_REFUSED,
                "vmunit does not negotiate virtual ports with switches (802.1Qbg, 802.1Qbh)"),
        {},
};

static void read_vlan(Guest *g, Device *d)
{
        InterfaceHostdev *i = DEVICE_AS(InterfaceHostdev, d);
        XmlElement *tag;

        if (!i->vlan_element)
                return;
        tag = xml_child(i->vlan_element, "tag");
        tag = tag ? xml_next(tag) : NULL;
        if (!i->vlan.set || tag)
                guest_error(
                        g, i->vlan_element->place,
                        "<vlan>: exactly one <tag id='…'/> is required for <interface type='hostdev'>");
        if (tag)
                xml_claim_all(tag);
}

/* The numbers of interfaces come before those of other host devices, wherever they are in the XML. */
static void imply(Guest *g)
{
        GUEST_FOREACH_DEVICE(g, &kind_interface_hostdev, d)
                device_set_next_id(g, d, "hostdev");
}

/* A card refuses such an address only when the guest starts. */
static void check_mac(const Guest *g, const Device *d, const char *text)
{
        static const uint8_t none[6];
        uint8_t mac[6];

        if (!text || text_to_mac(text, mac) < 0) /* what is no address at all is a finding already */
                return;
        if (mac[0] & 1)
                device_error(g, d, "<mac>: '%s' is a multicast address; the first byte must be even", text);
        else if (memcmp(mac, none, sizeof(mac)) == 0)
                device_error(g, d, "<mac>: '%s' cannot be the address of a network card", text);
}

static void check(const Guest *g, const Device *d)
{
        const InterfaceHostdev *i = DEVICE_AS(InterfaceHostdev, d);

        host_pci_check(g, d, &i->head.host);
        check_mac(g, d, i->mac);
        if (!i->head.host.address_type)
                device_error(g, d, "<source>: <address type='pci' …/> is missing");
        hostdev_check_teaming(g, d, &i->head.teaming);
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        const InterfaceHostdev *i = DEVICE_AS(InterfaceHostdev, d);
        VfSettings vf = { .has_mac = i->mac, .has_vlan = i->vlan.set, .vlan.id = (unsigned) i->vlan.value };

        if (i->mac) {
                (void) text_to_mac(i->mac, vf.mac);
                plan_claim(p, CLAIM_MAC, i->mac, d->place);
        }
        host_pci_device_build(g, &i->head, &vf, p);
}

const DeviceKind kind_interface_hostdev = {
        .element = "interface",
        .type = "hostdev",
        .size = sizeof(InterfaceHostdev),
        .fields = fields,
        .has_rom = true,
        .has_boot = true,
        .has_acpi_index = true,
        .has_host_pci = true,
        .read = read_vlan,
        .imply = imply,
        .complete = host_pci_device_complete,
        .check = check,
        .build = build,
};
