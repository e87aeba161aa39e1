/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One element of <devices>. */

#include "guest/device.h"
#include "guest/xml/xml.h"

/* Adds the element to the guest as a device of that kind; mistakes are findings. */
void device_read(Guest *g, XmlElement *e, const DeviceKind *kind);
