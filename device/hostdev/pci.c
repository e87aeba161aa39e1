/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* <hostdev type='pci'>; for network cards see also device/interface/hostdev.c. */

#include "device/hostdev/hostdev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/processor/numa.h"

typedef struct HostdevPci {
        HostPciDevice head;
        int mode;  /* HostdevMode */
        Set nodes; /* NUMA cells of the guest that only this device has memory for */
} HostdevPci;

static const Field fields[] = {
        FIELD_OF_WORDS("@mode", HostdevPci, mode, hostdev_mode_words),
        HOST_PCI_FIELDS(HostdevPci, head.host),
        FIELD_OF_WORDS("teaming@type", HostdevPci, head.teaming.type, hostdev_teaming_words),
        FIELD("teaming@persistent", FIELD_TEXT, HostdevPci, head.teaming.persistent),
        FIELD("acpi@nodeset", FIELD_SET, HostdevPci, nodes),
        FIELD_SAID("source@writeFiltering", FIELD_IGNORED, NULL), /* for Xen */
        {},
};

static void check(const Guest *g, const Device *d)
{
        const HostdevPci *h = DEVICE_AS(HostdevPci, d);

        hostdev_check_mode(g, d, h->mode);
        host_pci_check(g, d, &h->head.host);
        hostdev_check_teaming(g, d, &h->head.teaming);
        if (h->nodes.set && set_last(&h->nodes) >= g->numa->n_cells)
                device_error(
                        g, d,
                        "<acpi>: NUMA node %u in nodeset does not exist; define it with <cell> in <numa>",
                        set_last(&h->nodes));
}

/* Tells the guest, through an ACPI table, which of its nodes without memory belong to the device. */
static void build_initiators(const Guest *g, const HostdevPci *h, Plan *p)
{
        const Device *d = &h->head.device;
        unsigned n = 0;

        GUEST_FOREACH_DEVICE(g, &kind_hostdev_pci, other) {
                if (other == d)
                        break;
                n += set_count(&DEVICE_AS(HostdevPci, other)->nodes);
        }
        for (unsigned node = 0; node < g->numa->n_cells; node++)
                if (set_has(&h->nodes, node)) {
                        Props initiator = props_new("qom-type", "acpi-generic-initiator");

                        props_textf(&initiator, "id", "gi%u", n++);
                        props_text(&initiator, "pci-dev", d->id);
                        props_number(&initiator, "node", node);
                        plan_json(p, "-object", &initiator);
                }
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        const HostdevPci *h = DEVICE_AS(HostdevPci, d);

        host_pci_device_build(g, &h->head, NULL, p);
        if (d->address.type != ADDRESS_UNASSIGNED)
                build_initiators(g, h, p);
}

const DeviceKind kind_hostdev_pci = {
        .element = "hostdev",
        .type = "pci",
        .size = sizeof(HostdevPci),
        .fields = fields,
        .has_rom = true,
        .has_boot = true,
        .has_acpi_index = true,
        .has_host_pci = true,
        .complete = host_pci_device_complete,
        .check = check,
        .build = build,
};
