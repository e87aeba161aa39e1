/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The phases of a conversion: read, complete, place, check, build. It is a pure function of the XML, the
 * settings and the firmware descriptors that the settings name; it asks nothing of the host it runs on.
 */

#include "guest/guest.h"
#include "guest/plan/plan.h"

/*
 * Reads the XML at data into a new guest. kinds is the table of device kinds (device/kinds.h). NULL if out
 * of memory or if the XML does not describe a guest at all; errors are among the findings. file and settings
 * are borrowed.
 */
Guest *phases_read(
        const char *file, const char *data, size_t size, const DeviceKind *const *kinds,
        const Settings *settings, Findings *findings);

/* Completes, places, checks and builds. 0, -EINVAL if the findings contain an error, -ENOMEM. The plan
 * borrows from g. */
int phases_convert(Guest *g, Plan *plan);
