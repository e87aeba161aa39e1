/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* <hostdev type='pci'>, and <interface type='hostdev'>, which is the same for a network card that has a MAC
 * to be set. */

#include "device/hostdev/hostdev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/processor/numa.h"

typedef struct HostdevPci {
        Device device;
        int mode;
        HostPci host;
        Teaming teaming;
        Set nodes; /* NUMA cells of the guest that only this device has memory for */

        /* of an interface */
        const char *mac;
        Number vlan;
        XmlElement *vlan_element;
} HostdevPci;

static const Field hostdev_fields[] = {
        FIELD_OF_WORDS("@mode", HostdevPci, mode, hostdev_mode_words),
        HOST_PCI_FIELDS(HostdevPci, host),
        FIELD_OF_WORDS("teaming@type", HostdevPci, teaming.type, hostdev_teaming_words),
        FIELD("teaming@persistent", FIELD_TEXT, HostdevPci, teaming.persistent),
        FIELD("acpi@nodeset", FIELD_SET, HostdevPci, nodes),
        FIELD_SAID("source@writeFiltering", FIELD_IGNORED, NULL), /* of Xen */
        {},
};

static const Field interface_fields[] = {
        HOST_PCI_FIELDS(HostdevPci, host),
        FIELD("mac@address", FIELD_MAC, HostdevPci, mac),
        FIELD_OF_WORDS("teaming@type", HostdevPci, teaming.type, hostdev_teaming_words),
        FIELD("teaming@persistent", FIELD_TEXT, HostdevPci, teaming.persistent),
        FIELD("vlan", FIELD_ELEMENT, HostdevPci, vlan_element),
        FIELD_IN_RANGE("vlan/tag@id", HostdevPci, vlan, 0, 4095),
        FIELD_SAID("model@type", FIELD_IGNORED, NULL), /* the device is what it is */
        FIELD_SAID(
                "virtualport", FIELD_REFUSED,
                "vmunit does not negotiate virtual ports with switches (802.1Qbg, 802.1Qbh)"),
        {},
};

const HostPci *host_pci_of(const Device *d)
{
        if (d->kind == &kind_hostdev_pci || d->kind == &kind_interface_hostdev)
                return &DEVICE_AS(HostdevPci, d)->host;
        return NULL;
}

/* The numbers of interfaces come before those of other host devices, wherever they are in the XML. */
static void interface_imply(Guest *g)
{
        GUEST_FOREACH_DEVICE(g, &kind_interface_hostdev, d)
                device_set_next_id(g, d, "hostdev");
}

static void complete(Guest *g, Device *d)
{
        if (!d->id)
                device_set_next_id(g, d, "hostdev");
        if (d->address.type == ADDRESS_UNASSIGNED)
                return;
        d->bus = BUS_PCI;
        d->pci = PCI_EXPRESS;
}

static void hostdev_check(const Guest *g, const Device *d)
{
        const HostdevPci *h = DEVICE_AS(HostdevPci, d);

        hostdev_check_mode(g, d, h->mode);
        host_pci_check(g, d, &h->host);
        hostdev_check_teaming(g, d, &h->teaming);
        if (h->nodes.set && set_last(&h->nodes) >= g->numa->n_cells)
                device_error(
                        g, d, "<acpi>: nodeset names the node %u, and <cpu> has no such <cell>",
                        set_last(&h->nodes));
}

static void interface_read(Guest *g, Device *d)
{
        HostdevPci *h = DEVICE_AS(HostdevPci, d);
        XmlElement *tag;

        if (!h->vlan_element)
                return;
        tag = xml_child(h->vlan_element, "tag");
        tag = tag ? xml_next(tag) : NULL;
        if (!h->vlan.set || tag)
                guest_error(
                        g, h->vlan_element->place,
                        "<vlan>: one <tag id='…'/> is what a function of a card takes");
        if (tag)
                xml_claim_all(tag);
}

static void interface_check(const Guest *g, const Device *d)
{
        const HostdevPci *h = DEVICE_AS(HostdevPci, d);

        host_pci_check(g, d, &h->host);
        if (!h->host.address_type)
                device_error(g, d, "<source>: <address type='pci' …/> is missing");
        hostdev_check_teaming(g, d, &h->teaming);
}

/* By ACPI's table of these, a guest knows which of its nodes without memory are the device's own. */
static void build_initiators(const Guest *g, const HostdevPci *h, Plan *p)
{
        unsigned n = 0;

        GUEST_FOREACH_DEVICE(g, &kind_hostdev_pci, other) {
                if (other == &h->device)
                        break;
                n += set_count(&DEVICE_AS(HostdevPci, other)->nodes);
        }
        for (unsigned node = 0; node < g->numa->n_cells; node++)
                if (set_has(&h->nodes, node)) {
                        Props initiator = props_new("qom-type", "acpi-generic-initiator");

                        props_textf(&initiator, "id", "gi%u", n++);
                        props_text(&initiator, "pci-dev", h->device.id);
                        props_number(&initiator, "node", node);
                        plan_json(p, "-object", &initiator);
                }
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        const HostdevPci *h = DEVICE_AS(HostdevPci, d);
        char extra[64] = "";
        Props device;

        /* without an address the guest does not see it, but the host's drivers do not, either */
        if (h->mac && h->vlan.set)
                snprintf(extra, sizeof(extra), ",mac=%s,vlan=%u", h->mac, (unsigned) h->vlan.value);
        else if (h->mac)
                snprintf(extra, sizeof(extra), ",mac=%s", h->mac);
        else if (h->vlan.set)
                snprintf(extra, sizeof(extra), ",vlan=%u", (unsigned) h->vlan.value);
        host_pci_plan(&h->host, extra, p);
        if (h->mac)
                plan_mac(p, h->mac);
        if (d->address.type == ADDRESS_UNASSIGNED)
                return;
        device = host_pci_new(&h->host);
        props_text(&device, "failover_pair_id", h->teaming.persistent);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
        build_initiators(g, h, p);
}

const DeviceKind kind_hostdev_pci = {
        .element = "hostdev",
        .type = "pci",
        .size = sizeof(HostdevPci),
        .fields = hostdev_fields,
        .has_rom = true,
        .has_boot = true,
        .has_acpi_index = true,
        .complete = complete,
        .check = hostdev_check,
        .build = build,
};

const DeviceKind kind_interface_hostdev = {
        .element = "interface",
        .type = "hostdev",
        .size = sizeof(HostdevPci),
        .fields = interface_fields,
        .has_rom = true,
        .has_boot = true,
        .has_acpi_index = true,
        .read = interface_read,
        .imply = interface_imply,
        .complete = complete,
        .check = interface_check,
        .build = build,
};
