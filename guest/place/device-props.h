/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The QEMU properties that all devices share: id, where it plugs in, and the options of <driver>, <rom> and
 * <boot>. */

#include "guest/device.h"
#include "guest/plan/plan.h"

/* Appends what every device's -device has: id, bus and addr (from
 * its address), bootindex, acpi-index, rom. */
void device_props(const Guest *g, const Device *d, Props *p);

/* What the host must grant for that. */
void device_grants(const Device *d, Plan *p);

/* Appends iommu_platform, ats, packed and page-per-vq. */
void device_virtio_props(const Device *d, Props *p);

/* Whether <driver> has any of them. */
bool device_has_virtio_options(const Device *d);

/* An error if <driver> has any of them; for devices that are not virtio devices. */
void device_no_virtio_options(const Guest *g, const Device *d);

/*
 * For virtio devices of a VirtioModel (0 is VIRTIO_MODEL): the bus they plug into (PCI, unless the
 * address has type virtio-mmio), and a -device of base ("virtio-rng") with the options of <driver>, ready
 * for further props.
 */
void device_virtio_complete(Guest *g, Device *d, int model);
Props device_virtio_new(const Device *d, const char *base, int model);
