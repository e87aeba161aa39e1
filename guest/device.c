/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/device.h"

#include <errno.h>
#include <stdarg.h>

#include "guest/guest.h"

void device_set_id(Guest *g, Device *d, const char *format, ...)
{
        char *id;
        va_list ap;

        if (d->user_id)
                return;
        va_start(ap, format);
        if (vasprintf(&id, format, ap) < 0)
                id = NULL;
        va_end(ap);
        d->id = guest_text(g, "%s", id ?: "");
        free(id);
}

void device_props(const Guest *g, const Device *d, Props *p)
{
}

void device_virtio_props(const Device *d, Props *p)
{
        props_bool_if(p, "iommu_platform", d->virtio.iommu);
        props_bool_if(p, "ats", d->virtio.ats);
        props_bool_if(p, "packed", d->virtio.packed);
        props_bool_if(p, "page-per-vq", d->virtio.page_per_vq);
}

void device_no_virtio_options(Guest *g, const Device *d)
{
        if (d->virtio.iommu || d->virtio.ats || d->virtio.packed || d->virtio.page_per_vq)
                device_error(g, d, "<%s>: <driver> with iommu, ats, packed or page_per_vq is for virtio devices", d->kind->element);
}

const char *const virtio_model_words[] = { "virtio", "virtio-transitional", "virtio-non-transitional", NULL };

void device_virtio_complete(Guest *g, Device *d, int model)
{
        if (d->address.type == ADDRESS_VIRTIO_MMIO) {
                if (model > VIRTIO_MODEL)
                        device_error(g, d, "<%s>: %s exists on PCI only", d->kind->element, virtio_model_words[model - 1]);
                return;
        }
        d->bus = BUS_PCI;
        d->pci = (model == VIRTIO_MODEL_TRANSITIONAL ? PCI_CONVENTIONAL : PCI_EXPRESS) | PCI_HOTPLUG;
}

Props device_virtio_new(const Device *d, const char *base, int model)
{
        static const char *const suffixes[] = { "-pci", "-pci", "-pci-transitional", "-pci-non-transitional" };
        Props p = props_new("driver", base);

        props_textf(&p, "driver", "%s%s", base, d->address.type == ADDRESS_VIRTIO_MMIO ? "-device" : suffixes[model]);
        device_virtio_props(d, &p);
        return p;
}
