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
        props_onoff(p, "iommu_platform", d->virtio.iommu);
        props_onoff(p, "ats", d->virtio.ats);
        props_onoff(p, "packed", d->virtio.packed);
        props_onoff(p, "page-per-vq", d->virtio.page_per_vq);
}
