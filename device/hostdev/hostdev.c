/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What devices of the host have in common, and the PCI devices among them. QEMU opens those through VFIO and
 * needs no privilege once the guest's user owns the node of the device's IOMMU group. Only the host knows
 * that group and the device's current driver, so vm-launcher prepare gets the device's address and does the
 * rest.
 */

#include "device/hostdev/hostdev.h"

#include "contract/options.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

typedef enum HostPciDriver {
        HOST_PCI_VFIO = 1,
        HOST_PCI_KVM,
        HOST_PCI_XEN,
} HostPciDriver;

const char *const hostdev_mode_words[] = { "subsystem", "capabilities", NULL };
const char *const hostdev_address_words[] = { "pci", NULL };
const char *const hostdev_driver_words[] = { "vfio", "kvm", "xen", NULL };
const char *const hostdev_teaming_words[] = { "transient", "persistent", NULL };

void hostdev_check_mode(const Guest *g, const Device *d, int mode)
{
        if (mode != HOSTDEV_SUBSYSTEM)
                device_error(g, d, "<hostdev>: mode must be 'subsystem'");
}

bool host_pci_equal(const HostPci *a, const HostPci *b)
{
        return a->domain.value == b->domain.value && a->bus.value == b->bus.value &&
               a->slot.value == b->slot.value && a->function.value == b->function.value;
}

static bool module_is_plain(const char *name)
{
        return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] ==
                       '\0' &&
               name[0] != '-';
}

void host_pci_check(const Guest *g, const Device *d, const HostPci *h)
{
        if (!h->bus.set || !h->slot.set || !h->function.set)
                device_error(
                        g, d, "<source>: <address domain='…' bus='…' slot='…' function='…'/> is missing");
        if (h->driver && h->driver != HOST_PCI_VFIO)
                device_error(
                        g, d, "<driver>: name='%s' is not supported; use name='vfio'",
                        hostdev_driver_words[h->driver - 1]);
        if (h->iommufd == ON)
                device_warning(
                        g, d,
                        "<driver>: ignoring iommufd='yes': the device is opened through its IOMMU group");
        if (h->module && !module_is_plain(h->module))
                device_error(g, d, "<driver>: model='%s' is not a valid name of a kernel module", h->module);
        for (size_t i = 0; i < g->n_devices && g->devices[i] != d; i++) {
                const HostPciDevice *other = host_pci_device(g->devices[i]);

                if (other && host_pci_equal(&other->host, h))
                        device_error(
                                g, d, "<%s>: this device is already assigned to this guest in line %u",
                                d->kind->element, g->devices[i]->place.line);
        }
}

/* The device's address as the kernel and QEMU write it, by value. */
typedef struct PciAddressText {
        char text[48];
} PciAddressText;

static PciAddressText host_pci_text(const HostPci *h)
{
        PciAddressText t;

        snprintf(
                t.text, sizeof(t.text), "%04x:%02x:%02x.%u", (unsigned) h->domain.value,
                (unsigned) h->bus.value, (unsigned) h->slot.value, (unsigned) h->function.value);
        return t;
}

Props host_pci_new(const HostPci *h)
{
        Props device = props_new("driver", "vfio-pci");

        props_text(&device, "host", host_pci_text(h).text);
        return device;
}

void host_pci_plan(const HostPci *h, const VfSettings *vf, Plan *p)
{
        PciAddressText address = host_pci_text(h);
        PciRequest request = { .address = address.text, .driver = h->module, .managed = h->managed == ON };

        if (vf)
                request.vf = *vf;
        plan_prepare(p, OPTION_PCI, pci_request_write(&request));
        hostdev_plan_vfio(p);
}

/* Devices may write to all of the guest's memory, so VFIO locks all of it. */
void hostdev_plan_vfio(Plan *p)
{
        plan_directive(p, "DeviceAllow", "/dev/vfio/vfio rw");
        plan_directive(p, "DeviceAllow", "char-vfio rw");
        plan_directive(
                p, "BindPaths",
                "-/dev/vfio"); /* does not exist before the module is loaded; the launcher reports that */
        plan_directive(p, "LimitMEMLOCK", "infinity");
}

void hostdev_check_teaming(const Guest *g, const Device *d, const Teaming *t)
{
        if (!t->type && !t->persistent)
                return;
        if (t->type != TEAMING_TRANSIENT || !t->persistent) {
                device_error(g, d, "<teaming>: type='transient' and persistent='…' are required");
                return;
        }
        GUEST_FOREACH_DEVICE(g, NULL, other)
                if (streq(other->kind->element, "interface") && !other->kind->has_host_pci && other->id &&
                    streq(other->id, t->persistent))
                        return;
        device_error(
                g, d, "<teaming>: persistent='%s' is not the <alias> of any interface of this guest",
                t->persistent);
}

const HostPciDevice *host_pci_device(const Device *d)
{
        return d->kind->has_host_pci ? (const HostPciDevice *) d : NULL;
}

void host_pci_device_complete(Guest *g, Device *d)
{
        if (!d->id)
                device_set_next_id(g, d, "hostdev");
        if (d->address.type == ADDRESS_UNASSIGNED)
                return;
        d->bus = BUS_PCI;
        d->pci = PCI_EXPRESS;
}

void host_pci_device_build(const Guest *g, const HostPciDevice *h, const VfSettings *vf, Plan *p)
{
        Props device;

        host_pci_plan(&h->host, vf, p);
        /* without an address, the device is kept from the guest and from the host's drivers */
        if (h->device.address.type == ADDRESS_UNASSIGNED)
                return;
        device = host_pci_new(&h->host);
        props_text(&device, "failover_pair_id", h->teaming.persistent);
        device_props(g, &h->device, &device);
        plan_json(p, "-device", &device);
}
