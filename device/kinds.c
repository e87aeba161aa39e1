/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "device/kinds.h"

#include <stddef.h>

#define KIND(name) &kind_##name,

const DeviceKind *const device_kinds[] = { DEVICE_KINDS(KIND) NULL };
