/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "device/kinds.h"

const DeviceKind *const device_kinds[] = {
        &kind_serial,
        &kind_parallel,
        &kind_channel,
        &kind_console,
        &kind_watchdog,
        &kind_memballoon,
        &kind_rng,
        &kind_panic,
        NULL,
};
