/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The properties that all devices share, mostly addresses, as QEMU's. Placement has run, so every address
 * names an existing controller.
 */

#include "guest/place/device-props.h"

#include <stdio.h>

#include "guest/guest.h"
#include "guest/place/controller.h"

static const char *controller_id(const Guest *g, ControllerType type, unsigned index)
{
        const Controller *c = controller_find(g, type, index);

        return c && c->device.id ? c->device.id : "";
}

static void pci_props(const Guest *g, const Address *a, Props *p)
{
        props_text(p, "bus", controller_id(g, CONTROLLER_PCI, a->pci.bus));
        props_bool_if(p, "multifunction", a->pci.multifunction);
        if (a->pci.function)
                props_textf(p, "addr", "0x%x.0x%x", a->pci.slot, a->pci.function);
        else
                props_textf(p, "addr", "0x%x", a->pci.slot);
}

static void scsi_props(const Guest *g, const Address *a, Props *p)
{
        const Controller *c = controller_find(g, CONTROLLER_SCSI, a->drive.controller);

        props_textf(p, "bus", "%s.0", controller_id(g, CONTROLLER_SCSI, a->drive.controller));
        if (c && c->narrow) {
                props_number(p, "scsi-id", a->drive.unit);
                return;
        }
        props_number(p, "channel", a->drive.bus);
        props_number(p, "scsi-id", a->drive.target);
        props_number(p, "lun", a->drive.unit);
}

static void drive_props(const Guest *g, const Device *d, Props *p)
{
        const Address *a = &d->address;

        switch (d->drive_bus) {
        case DRIVE_FDC: /* there is only one controller */
                props_number(p, "unit", a->drive.unit);
                break;
        case DRIVE_IDE:
                props_textf(
                        p, "bus", "%s.%u", controller_id(g, CONTROLLER_IDE, a->drive.controller),
                        a->drive.bus);
                props_number(p, "unit", a->drive.unit);
                break;
        case DRIVE_SATA: /* each port is a bus of its own for QEMU */
                props_textf(
                        p, "bus", "%s.%u", controller_id(g, CONTROLLER_SATA, a->drive.controller),
                        a->drive.unit);
                break;
        case DRIVE_NVME:
                props_text(p, "bus", controller_id(g, CONTROLLER_NVME, a->drive.controller));
                props_number(p, "nsid", a->drive.unit + 1);
                break;
        case DRIVE_SCSI:
                scsi_props(g, a, p);
                break;
        default:
                break;
        }
}

static void usb_port_text(const Address *a, char *ret, size_t size)
{
        size_t n = 0;

        for (unsigned i = 0; i < USB_PORT_DEPTH && a->usb.port[i] != 0; i++)
                n += (size_t) snprintf(ret + n, size - n, "%s%u", i > 0 ? "." : "", a->usb.port[i]);
}

static void address_props(const Guest *g, const Device *d, Props *p)
{
        const Address *a = &d->address;
        char port[USB_PORT_DEPTH * 4] = "";

        switch (a->type) {
        case ADDRESS_PCI:
                if (d->bus == BUS_PCI)
                        pci_props(g, a, p);
                break;
        case ADDRESS_DRIVE:
                drive_props(g, d, p);
                break;
        case ADDRESS_VIRTIO_SERIAL:
                props_textf(
                        p, "bus", "%s.0", controller_id(g, CONTROLLER_VIRTIO_SERIAL, a->serial.controller));
                props_number(p, "nr", a->serial.port);
                break;
        case ADDRESS_CCID:
                props_textf(p, "bus", "%s.0", controller_id(g, CONTROLLER_CCID, a->ccid.controller));
                break;
        case ADDRESS_USB:
                usb_port_text(a, port, sizeof(port));
                props_textf(p, "bus", "%s.0", controller_id(g, CONTROLLER_USB, a->usb.bus));
                props_text(p, "port", port);
                break;
        case ADDRESS_ISA:
                props_number_if(p, "iobase", a->isa.iobase);
                props_number_if(p, "irq", a->isa.irq);
                break;
        case ADDRESS_DIMM:
                props_number_if(p, "slot", a->dimm.slot);
                props_number_if(p, "addr", a->dimm.base);
                break;
        default:
                break;
        }
}

void device_props(const Guest *g, const Device *d, Props *p)
{
        props_text(p, "id", d->id);
        address_props(g, d, p);
        /* floppies boot through their controller; see device/controller/fdc.c */
        if (d->drive_bus != DRIVE_FDC)
                props_number_if(p, "bootindex", d->boot_index);
        props_number_if(p, "acpi-index", d->acpi_index);
        if (d->rom.enabled == OFF)
                props_text(p, "romfile", "");
        else
                props_text(p, "romfile", d->rom.file);
        if (d->rom.bar != UNSET)
                props_number(p, "rombar", d->rom.bar == ON);
}

void device_grants(const Device *d, Plan *p)
{
        if (d->rom.enabled == OFF || !d->rom.file)
                return;
        plan_use_outside(p, POLICY_HOST_KERNEL, d->rom.file, "/usr/share");
        plan_directive(p, "BindReadOnlyPaths", "%s", d->rom.file);
}

void device_virtio_props(const Device *d, Props *p)
{
        props_bool_if(p, "iommu_platform", d->virtio.iommu);
        props_bool_if(p, "ats", d->virtio.ats);
        props_bool_if(p, "packed", d->virtio.packed);
        props_bool_if(p, "page-per-vq", d->virtio.page_per_vq);
}

bool device_has_virtio_options(const Device *d)
{
        return d->virtio.iommu || d->virtio.ats || d->virtio.packed || d->virtio.page_per_vq;
}

void device_no_virtio_options(const Guest *g, const Device *d)
{
        if (device_has_virtio_options(d))
                device_error(
                        g, d, "<%s>: iommu, ats, packed and page_per_vq of <driver> require a virtio device",
                        d->kind->element);
}

const char *const virtio_model_words[] = { "virtio", "virtio-transitional", "virtio-non-transitional",
                                           NULL };

void device_virtio_complete(Guest *g, Device *d, int model)
{
        if (d->address.type == ADDRESS_VIRTIO_MMIO) {
                if (model > VIRTIO_MODEL)
                        device_error(
                                g, d, "<%s>: model='%s' requires a PCI address", d->kind->element,
                                virtio_model_words[model - 1]);
                return;
        }
        d->bus = BUS_PCI;
        d->pci = model == VIRTIO_MODEL_TRANSITIONAL ? PCI_CONVENTIONAL : PCI_EXPRESS;
}

Props device_virtio_new(const Device *d, const char *base, int model)
{
        static const char *const suffixes[] = { "-pci", "-pci", "-pci-transitional",
                                                "-pci-non-transitional" };
        Props p = props_new("driver", base);

        props_textf(
                &p, "driver", "%s%s", base,
                d->address.type == ADDRESS_VIRTIO_MMIO ? "-device" : suffixes[model]);
        device_virtio_props(d, &p);
        return p;
}
