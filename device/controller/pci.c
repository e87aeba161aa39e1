/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PCI roots, ports and bridges. The root is part of the machine, so only settings that differ from its
 * defaults are passed to QEMU. All others are devices, in the order of guest/placement/place-pci.c.
 */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/controller.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/processor/numa.h"
#include "guest/xml/write.h"

typedef struct PciController {
        Controller controller;
        const char *name;                                            /* <model name=>: QEMU's driver */
        Number chassis_nr, chassis, port, bus_nr, numa_node, hole64; /* hole64 in bytes */
        Number mem_reserve;                                          /* in KiB */
        Tristate hotplug;
} PciController;

/* As PciModel. */
static const char *const model_words[] = {
        "pci-root",
        "pcie-root",
        "pci-bridge",
        "dmi-to-pci-bridge",
        "pcie-to-pci-bridge",
        "pcie-root-port",
        "pcie-switch-upstream-port",
        "pcie-switch-downstream-port",
        "pci-expander-bus",
        "pcie-expander-bus",
        NULL,
};

/* QEMU's driver for a model, and the settings that the model supports. */
static const struct {
        const char *driver, *other_driver;
        bool chassis_nr, chassis, bus_nr, hotplug, hole64, mem_reserve;
        unsigned families; /* bits of MachineFamily; 0: any */
} models[PCI_N_MODELS] = {
        [PCI_ROOT] = { .hotplug = true, .hole64 = true },
        [PCI_EXPRESS_ROOT] = { .hole64 = true },
        [PCI_MODEL_BRIDGE] = { "pci-bridge", .chassis_nr = true, .mem_reserve = true },
        [PCI_MODEL_DMI_BRIDGE] = { "i82801b11-bridge" },
        [PCI_MODEL_EXPRESS_BRIDGE] = { "pcie-pci-bridge" },
        [PCI_MODEL_ROOT_PORT] = { "pcie-root-port", "ioh3420", .chassis = true, .hotplug = true,
                                  .mem_reserve = true },
        [PCI_MODEL_UPSTREAM_PORT] = { "x3130-upstream" },
        [PCI_MODEL_DOWNSTREAM_PORT] = { "xio3130-downstream", .chassis = true, .hotplug = true },
        [PCI_MODEL_EXPANDER] = { "pxb", .bus_nr = true, .families = 1 << MACHINE_I440FX },
        [PCI_MODEL_EXPRESS_EXPANDER] = { "pxb-pcie", .bus_nr = true,
                                         .families = 1 << MACHINE_Q35 | 1 << MACHINE_VIRT },
};

static const Field fields[] = {
        CONTROLLER_FIELD_INDEX,
        FIELD_OF_WORDS("@model", Controller, pci_model, model_words),
        FIELD("model@name", FIELD_TEXT, PciController, name),
        FIELD_IN_RANGE("target@chassisNr", PciController, chassis_nr, 1, 255),
        FIELD_IN_RANGE("target@chassis", PciController, chassis, 0, 255),
        FIELD_IN_RANGE("target@port", PciController, port, 0, 255),
        FIELD_IN_RANGE("target@busNr", PciController, bus_nr, 1, 254),
        FIELD_SAID("target@index", FIELD_REFUSED, "exists only on pseries machines"),
        FIELD("target@hotplug", FIELD_SWITCH, PciController, hotplug),
        FIELD_IN_RANGE("target/node", PciController, numa_node, 0, 65535),
        FIELD_OF_SIZE("pcihole64", PciController, hole64, KIB),
        FIELD_IN_RANGE("target@memReserve", PciController, mem_reserve, 1, UINT64_MAX / KIB),
        {},
};

static void complete(Guest *g, Device *d)
{
        Controller *c = device_controller(d);

        if (!os_is_pc(g->os) && g->os->family != MACHINE_VIRT) {
                device_error(g, d, "<controller>: this machine type has no PCI");
                return;
        }
        if (c->pci_model == PCI_NO_MODEL) {
                if (d->xml && c->index.set && c->index.value == 0) {
                        c->pci_model = g->os->family == MACHINE_I440FX ? PCI_ROOT : PCI_EXPRESS_ROOT;
                } else {
                        device_error(g, d, "<controller>: type='pci' requires model='…'");
                        return;
                }
        }
        if (models[c->pci_model].families && !(models[c->pci_model].families & 1u << g->os->family)) {
                device_error(
                        g, d, "<controller>: this machine type does not support model='%s'",
                        pci_model_word(c->pci_model));
                return;
        }
        d->pci = pci_model_wants(c->pci_model);
        if (d->pci)
                d->bus = BUS_PCI;
        /* where real hardware has it */
        if (c->pci_model == PCI_MODEL_DMI_BRIDGE && g->os->family == MACHINE_Q35)
                d->pci_preferred = (Number){ 0x1e << 3, true };
}

/* The first of an expander's bus numbers. Those without one in the XML get two each, counted down from the
 * highest. */
static Number free_bus_nr(const Guest *g)
{
        uint64_t lowest = 256;

        GUEST_FOREACH_CONTROLLER(g, CONTROLLER_PCI, c) {
                Number nr = DEVICE_AS(PciController, &c->device)->bus_nr;

                if (nr.set && nr.value < lowest)
                        lowest = nr.value;
        }
        return (Number){ lowest - 2, lowest > 2 };
}

static void placed(Guest *g, Device *d)
{
        PciController *pci = DEVICE_AS(PciController, d);
        PciModel model = pci->controller.pci_model;
        const Address *a = &d->address;

        if (models[model].chassis_nr && !pci->chassis_nr.set)
                pci->chassis_nr = pci->controller.index;
        if (models[model].chassis && !pci->chassis.set)
                pci->chassis = pci->controller.index;
        if (models[model].chassis && !pci->port.set)
                pci->port = (Number){ model == PCI_MODEL_ROOT_PORT ? a->pci.slot << 3 | a->pci.function
                                                                   : a->pci.slot,
                                      true };
        if (models[model].bus_nr && !pci->bus_nr.set)
                pci->bus_nr = free_bus_nr(g);
}

static bool is_other_driver(const PciController *pci)
{
        const char *other = models[pci->controller.pci_model].other_driver;

        return pci->name && other && streq(pci->name, other);
}

static void check_setting(const Guest *g, const Device *d, bool has, bool given, const char *what)
{
        PciModel model = device_controller(d)->pci_model;

        if (given && !has)
                device_error(
                        g, d, "<controller>: model='%s' does not support %s", pci_model_word(model), what);
}

static void check(const Guest *g, const Device *d)
{
        const PciController *pci = DEVICE_AS(PciController, d);
        PciModel model = pci->controller.pci_model;
        unsigned index = (unsigned) pci->controller.index.value;
        const Address *a = &d->address;

        if (model == PCI_NO_MODEL)
                return;
        if ((index == 0) != (model == PCI_ROOT || model == PCI_EXPRESS_ROOT))
                device_error(
                        g, d, "<controller>: index='%u' %s", index,
                        index == 0 ? "is reserved for the PCI root (model='pci-root' or 'pcie-root')"
                                   : "cannot be used for a PCI root, which must have index='0'");
        if (!d->pci && a->type != ADDRESS_NONE)
                device_error(g, d, "<controller>: a PCI root cannot have an <address>");
        if (model == PCI_MODEL_BRIDGE && a->type == ADDRESS_PCI && a->pci.bus >= index)
                device_error(
                        g, d,
                        "<controller>: a pci-bridge with index='%u' must be on a bus with a lower number "
                        "than its own, not on bus %u",
                        index, a->pci.bus);
        if (pci->name && !(models[model].driver && streq(pci->name, models[model].driver)) &&
            !is_other_driver(pci))
                device_error(
                        g, d, "<controller>: model='%s' cannot have <model name='%s'/>",
                        pci_model_word(model), pci->name);
        check_setting(g, d, models[model].chassis_nr, pci->chassis_nr.set, "chassisNr");
        check_setting(g, d, models[model].chassis, pci->chassis.set, "chassis");
        check_setting(g, d, models[model].chassis, pci->port.set, "port");
        check_setting(g, d, models[model].bus_nr, pci->bus_nr.set, "busNr");
        check_setting(g, d, models[model].bus_nr, pci->numa_node.set, "<node>");
        check_setting(g, d, models[model].hotplug, pci->hotplug != UNSET, "hotplug='…'");
        check_setting(
                g, d, models[model].mem_reserve && !is_other_driver(pci), pci->mem_reserve.set,
                "memReserve");
        check_setting(g, d, models[model].hole64 && os_is_pc(g->os), pci->hole64.set, "<pcihole64>");
        if (pci->numa_node.set && pci->numa_node.value >= g->numa->n_cells)
                device_error(
                        g, d, "<node>: NUMA node %llu does not exist; define it with <cell> in <numa>",
                        (unsigned long long) pci->numa_node.value);
        if (models[model].bus_nr && !pci->bus_nr.set)
                device_error(
                        g, d,
                        "<controller>: no bus number is left below those of the other expander buses; set "
                        "busNr='…' in <target>");
}

static void build_root(const Guest *g, const PciController *pci, Plan *p)
{
        const char *host = g->os->family == MACHINE_I440FX ? "i440FX-pcihost" : "q35-pcihost";

        if (pci->hotplug != UNSET) {
                Props hotplug =
                        props_new("PIIX4_PM.acpi-root-pci-hotplug", pci->hotplug == ON ? "on" : "off");

                plan_list_named(p, "-global", &hotplug);
        }
        if (pci->hole64.set) {
                char key[64], size[32];
                Props hole;

                (void) snprintf(key, sizeof(key), "%s.pci-hole64-size", host);
                (void) snprintf(size, sizeof(size), "%lluK", (unsigned long long) (pci->hole64.value / KIB));
                hole = props_new(key, size);
                plan_list_named(p, "-global", &hole);
        }
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        const PciController *pci = DEVICE_AS(PciController, d);
        const char *driver = pci->name ?: models[pci->controller.pci_model].driver;
        Props props;

        if (!d->pci) {
                build_root(g, pci, p);
                return;
        }
        props = props_new("driver", driver);
        props_number_if(&props, "chassis_nr", pci->chassis_nr);
        props_number_if(&props, "port", pci->port);
        props_number_if(&props, "chassis", pci->chassis);
        props_number_if(&props, "bus_nr", pci->bus_nr);
        props_number_if(&props, "numa_node", pci->numa_node);
        props_bool_if(&props, "hotplug", pci->hotplug);
        if (pci->mem_reserve.set)
                props_number(&props, "mem-reserve", pci->mem_reserve.value * KIB);
        device_props(g, d, &props);
        plan_json(p, "-device", &props);
}

static int describe(const Guest *g, const Device *d, XmlElement *e)
{
        const PciController *pci = DEVICE_AS(PciController, d);
        const char *driver = pci->name ?: models[pci->controller.pci_model].driver;
        int r = controller_describe(g, d, e);

        r = r < 0 ? r : xml_set(e, "@model", pci_model_word(pci->controller.pci_model));
        if (r >= 0 && driver)
                r = xml_set(e, "model@name", driver);
        if (r >= 0 && pci->chassis_nr.set)
                r = xml_setf(e, "target@chassisNr", "%u", (unsigned) pci->chassis_nr.value);
        if (r >= 0 && pci->chassis.set)
                r = xml_setf(e, "target@chassis", "%u", (unsigned) pci->chassis.value);
        if (r >= 0 && pci->port.set)
                r = xml_setf(e, "target@port", "0x%x", (unsigned) pci->port.value);
        if (r >= 0 && pci->bus_nr.set)
                r = xml_setf(e, "target@busNr", "%u", (unsigned) pci->bus_nr.value);
        return r;
}

const DeviceKind kind_controller_pci = {
        .element = "controller",
        .type = "pci",
        .size = sizeof(PciController),
        .fields = fields,
        .complete = complete,
        .placed = placed,
        .check = check,
        .build = build,
        .describe = describe,
};
