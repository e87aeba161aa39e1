/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Limits for the traffic of a guest's interface on the host: rates, VLANs and isolation, as far as
 * requested. Open this to change them for TAPs and macvtaps. Failures are logged.
 */

#include "contract/line/tap-request.h"

/* -ENODEV if the bridge does not filter VLANs. The interface of that index is a port of it. */
int tap_set_port(int netlink, const TapRequest *q, unsigned index, const Link *bridge);

/* -ENODEV if the kernel does not support it. Earlier limits of the interface are removed. */
int tap_set_rates(int netlink, const TapRequest *q, unsigned index);

/* The same for the interface of a guest that runs; -ENODEV also if it is not there, or another's. */
int tap_change_rates(int netlink, const TapRequest *q);
