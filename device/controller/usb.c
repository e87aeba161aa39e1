/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * USB controllers. An ICH9 one is up to four PCI functions with one index: an EHCI for fast devices, and
 * companions for the slow ones on the same ports.
 */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/controller.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "guest/xml/write.h"

#define XHCI_PORTS_MAX 15

typedef struct UsbController {
        Controller controller;
        int model; /* UsbModel */
        Number ports, master_port;
} UsbController;

typedef enum UsbModel {
        USB_PIIX3 = 1,
        USB_PIIX4,
        USB_EHCI,
        USB_ICH9_EHCI1,
        USB_ICH9_UHCI1,
        USB_ICH9_UHCI2,
        USB_ICH9_UHCI3,
        USB_VT82C686B,
        USB_OHCI,
        USB_NEC_XHCI,
        USB_QEMU_XHCI,
        USB_NO_CONTROLLER,
        USB_N_MODELS,
} UsbModel;

static const char *const model_words[] = {
        "piix3-uhci",     "piix4-uhci", "ehci",     "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3",
        "vt82c686b-uhci", "pci-ohci",   "nec-xhci", "qemu-xhci",  "none",       NULL,
};

static const struct {
        const char *driver;
        unsigned wants, ports;
        bool ich9, companion, sizable;
        unsigned function, first_port; /* of ich9 */
} models[USB_N_MODELS] = {
        [USB_PIIX3] = { "piix3-usb-uhci", PCI_CONVENTIONAL, 2 },
        [USB_PIIX4] = { "piix4-usb-uhci", PCI_CONVENTIONAL, 2 },
        [USB_EHCI] = { "usb-ehci", PCI_CONVENTIONAL, 6 },
        [USB_ICH9_EHCI1] = { "ich9-usb-ehci1", PCI_CONVENTIONAL, 6, .ich9 = true, .function = 7 },
        [USB_ICH9_UHCI1] = { "ich9-usb-uhci1", PCI_CONVENTIONAL, 0, .ich9 = true, .companion = true,
                             .function = 0, .first_port = 0 },
        [USB_ICH9_UHCI2] = { "ich9-usb-uhci2", PCI_CONVENTIONAL, 0, .ich9 = true, .companion = true,
                             .function = 1, .first_port = 2 },
        [USB_ICH9_UHCI3] = { "ich9-usb-uhci3", PCI_CONVENTIONAL, 0, .ich9 = true, .companion = true,
                             .function = 2, .first_port = 4 },
        [USB_VT82C686B] = { "vt82c686b-usb-uhci", PCI_CONVENTIONAL, 2 },
        [USB_OHCI] = { "pci-ohci", PCI_CONVENTIONAL, 3 },
        [USB_NEC_XHCI] = { "nec-usb-xhci", PCI_EXPRESS, 4, .sizable = true },
        [USB_QEMU_XHCI] = { "qemu-xhci", PCI_EXPRESS, 4, .sizable = true },
        [USB_NO_CONTROLLER] = {},
};

static const Field fields[] = {
        CONTROLLER_FIELD_INDEX,
        FIELD_OF_WORDS("@model", UsbController, model, model_words),
        FIELD_IN_RANGE("@ports", UsbController, ports, 1, XHCI_PORTS_MAX),
        FIELD_IN_RANGE("master@startport", UsbController, master_port, 0, 5),
        {},
};

/* libvirt's default model, for controllers in the XML and for implied ones. */
static int default_model(const Guest *g, const Device *d)
{
        if (g->os->family == MACHINE_VIRT || (!d->xml && g->os->family == MACHINE_Q35))
                return USB_QEMU_XHCI;
        return USB_PIIX3;
}

static void complete(Guest *g, Device *d)
{
        UsbController *usb = DEVICE_AS(UsbController, d);
        Controller *c = &usb->controller;

        if (!usb->model)
                usb->model = default_model(g, d);
        if (usb->model == USB_NO_CONTROLLER) {
                c->disabled = true;
                d->address = (Address){};
                return;
        }
        d->bus = BUS_PCI;
        d->pci = models[usb->model].wants;
        c->ports = usb->ports.set ? (unsigned) usb->ports.value : models[usb->model].ports;
        c->usb2 = models[usb->model].ich9;
        c->companion = models[usb->model].companion;
        c->function = models[usb->model].function;
        if (c->companion && !usb->master_port.set)
                usb->master_port = (Number){ models[usb->model].first_port, true };
        if (usb->model == USB_PIIX3 && g->os->family == MACHINE_I440FX)
                c->home = (Number){ 0x01 << 3 | 2, true };
        if (usb->model == USB_ICH9_UHCI1 && g->os->family == MACHINE_Q35)
                d->pci_preferred = (Number){ 0x1d << 3, true };
}

static void check(const Guest *g, const Device *d)
{
        const UsbController *usb = DEVICE_AS(UsbController, d);
        const Controller *master =
                controller_find(g, CONTROLLER_USB, (unsigned) usb->controller.index.value);

        if (usb->ports.set && !models[usb->model].sizable)
                device_error(
                        g, d, "<controller>: model='%s' has a fixed number of ports; remove ports='…'",
                        model_words[usb->model - 1]);
        if (usb->controller.companion && (!master || master->companion))
                device_error(
                        g, d,
                        "<controller>: a companion controller requires a USB controller with "
                        "model='ich9-ehci1' and the same index");
        if (!usb->controller.companion && usb->master_port.set)
                device_error(
                        g, d, "<master>: is not supported by a USB controller with model='%s'",
                        model_words[usb->model - 1]);
        if (usb->controller.disabled)
                GUEST_FOREACH_CONTROLLER(g, CONTROLLER_USB, other)
                        if (!other->disabled && other->device.xml)
                                device_error(
                                        g, &other->device,
                                        "<controller>: the controller with model='none' in line %u disables "
                                        "USB for this guest",
                                        d->place.line);
}

static void build(const Guest *g, const Device *d, Plan *p)
{
        const UsbController *usb = DEVICE_AS(UsbController, d);
        Device plain = *d;
        Props props;

        if (usb->controller.disabled)
                return;
        props = props_new("driver", models[usb->model].driver);
        props_number_if(&props, "p2", usb->ports);
        props_number_if(&props, "p3", usb->ports);
        if (usb->controller.companion) {
                const Controller *master =
                        controller_find(g, CONTROLLER_USB, (unsigned) usb->controller.index.value);

                props_textf(&props, "masterbus", "%s.0", master->device.id);
                props_number(&props, "firstport", usb->master_port.value);
                plain.id = NULL;
        }
        device_props(g, &plain, &props);
        plan_json(p, "-device", &props);
}

static int describe(const Guest *g, const Device *d, XmlElement *e)
{
        int r = controller_describe(g, d, e);

        return r < 0 ? r : xml_set(e, "@model", model_words[DEVICE_AS(UsbController, d)->model - 1]);
}

const DeviceKind kind_controller_usb = {
        .element = "controller",
        .type = "usb",
        .size = sizeof(UsbController),
        .fields = fields,
        .complete = complete,
        .check = check,
        .build = build,
        .describe = describe,
};
