/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "device/kinds.h"

const DeviceKind *const device_kinds[] = {
        &kind_controller_pci,
        &kind_controller_usb,
        &kind_controller_scsi,
        &kind_controller_ide,
        &kind_controller_sata,
        &kind_controller_fdc,
        &kind_controller_virtio_serial,
        &kind_hub,
        &kind_controller_ccid,
        &kind_serial,
        &kind_parallel,
        &kind_channel,
        &kind_console,
        &kind_input,
        &kind_audio,
        &kind_no_graphics,
        &kind_graphics_vnc,
        &kind_graphics_spice,
        &kind_graphics_sdl,
        &kind_graphics_egl_headless,
        &kind_graphics_dbus,
        &kind_video,
        &kind_sound,
        &kind_watchdog,
        &kind_memballoon,
        &kind_rng,
        &kind_panic,
        NULL,
};
