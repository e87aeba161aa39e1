/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What limits the traffic of a guest's interface on the host, where the request says so. All is logged. */

#include "launcher/tap/tap-request.h"

/* -ENODEV where the bridge has no VLANs. The interface of that index is in it. */
int tap_set_port(int netlink, const TapRequest *q, unsigned index, const Link *bridge);

/* -ENODEV where the kernel cannot. Limits that the interface had before are gone. */
int tap_set_rates(int netlink, const TapRequest *q, unsigned index);
