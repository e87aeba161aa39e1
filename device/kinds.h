/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All device kinds. To add one, add a file and a row here. */

#include "guest/device.h"

/* In the order of QEMU's command line: a bus comes before the devices that plug into it. */
#define DEVICE_KINDS(KIND)             \
        KIND(controller_pci)           \
        KIND(iommu)                    \
        KIND(controller_usb)           \
        KIND(controller_scsi)          \
        KIND(controller_ide)           \
        KIND(controller_sata)          \
        KIND(controller_fdc)           \
        KIND(controller_virtio_serial) \
        KIND(controller_nvme)          \
        KIND(hub)                      \
        KIND(controller_ccid)          \
        KIND(memory)                   \
        KIND(disk)                     \
        KIND(filesystem)               \
        KIND(interface)                \
        KIND(interface_hostdev)        \
        KIND(smartcard)                \
        KIND(serial)                   \
        KIND(parallel)                 \
        KIND(channel)                  \
        KIND(console)                  \
        KIND(tpm)                      \
        KIND(input)                    \
        KIND(audio)                    \
        KIND(no_graphics)              \
        KIND(graphics_vnc)             \
        KIND(graphics_spice)           \
        KIND(graphics_sdl)             \
        KIND(graphics_egl_headless)    \
        KIND(graphics_dbus)            \
        KIND(video)                    \
        KIND(sound)                    \
        KIND(watchdog)                 \
        KIND(redirfilter)              \
        KIND(redirdev)                 \
        KIND(hostdev_pci)              \
        KIND(hostdev_usb)              \
        KIND(hostdev_mdev)             \
        KIND(memballoon)               \
        KIND(rng)                      \
        KIND(panic)                    \
        KIND(shmem)                    \
        KIND(crypto)                   \
        KIND(pstore)                   \
        KIND(vsock)                    \
        KIND(hostdev_scsi)             \
        KIND(hostdev_scsi_host)

#define KIND(name) extern const DeviceKind kind_##name;
DEVICE_KINDS(KIND)
#undef KIND

/* The same, ended by NULL. */
extern const DeviceKind *const device_kinds[];
