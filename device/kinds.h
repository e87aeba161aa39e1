/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All device kinds that there are. To add a device is to add a file and a row in kinds.c. */

#include "guest/device.h"

/* Ended by NULL, in the order in which QEMU is told of them: a bus before what plugs into it. */
extern const DeviceKind *const device_kinds[];

/* Each is defined in the file of its name (no_graphics in graphics.c). */
extern const DeviceKind kind_audio;
extern const DeviceKind kind_channel;
extern const DeviceKind kind_console;
extern const DeviceKind kind_controller_ccid;
extern const DeviceKind kind_controller_fdc;
extern const DeviceKind kind_controller_ide;
extern const DeviceKind kind_controller_nvme;
extern const DeviceKind kind_controller_pci;
extern const DeviceKind kind_controller_sata;
extern const DeviceKind kind_controller_scsi;
extern const DeviceKind kind_controller_usb;
extern const DeviceKind kind_controller_virtio_serial;
extern const DeviceKind kind_crypto;
extern const DeviceKind kind_disk;
extern const DeviceKind kind_filesystem;
extern const DeviceKind kind_graphics_dbus;
extern const DeviceKind kind_graphics_egl_headless;
extern const DeviceKind kind_graphics_sdl;
extern const DeviceKind kind_graphics_spice;
extern const DeviceKind kind_graphics_vnc;
extern const DeviceKind kind_hostdev_mdev;
extern const DeviceKind kind_hostdev_pci;
extern const DeviceKind kind_hostdev_scsi;
extern const DeviceKind kind_hostdev_scsi_host;
extern const DeviceKind kind_hostdev_usb;
extern const DeviceKind kind_hub;
extern const DeviceKind kind_input;
extern const DeviceKind kind_interface;
extern const DeviceKind kind_interface_hostdev;
extern const DeviceKind kind_iommu;
extern const DeviceKind kind_memballoon;
extern const DeviceKind kind_memory;
extern const DeviceKind kind_no_graphics;
extern const DeviceKind kind_panic;
extern const DeviceKind kind_parallel;
extern const DeviceKind kind_pstore;
extern const DeviceKind kind_redirdev;
extern const DeviceKind kind_redirfilter;
extern const DeviceKind kind_rng;
extern const DeviceKind kind_serial;
extern const DeviceKind kind_shmem;
extern const DeviceKind kind_smartcard;
extern const DeviceKind kind_sound;
extern const DeviceKind kind_tpm;
extern const DeviceKind kind_video;
extern const DeviceKind kind_vsock;
extern const DeviceKind kind_watchdog;
