/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "device/kinds.h"

#include <stddef.h>

const DeviceKind *const device_kinds[] = {
#define KIND(name) &kind_##name,
        DEVICE_KINDS(KIND)
#undef KIND
                NULL,
};
