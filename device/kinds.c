/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of all kinds of devices. kinds.h lists their names once; each kind is a file of its own. */

#include "device/kinds.h"

#include <stddef.h>

#define KIND(name) &kind_##name,

const DeviceKind *const device_kinds[] = { DEVICE_KINDS(KIND) NULL };
