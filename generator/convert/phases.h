/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The phases of a conversion: parse, read, complete, place, check, build. It is a pure function of the XML,
 * the settings and the firmware descriptors that the settings name; it asks nothing of the host it runs on.
 */

#include "guest/guest.h"
#include "guest/plan/plan.h"

/*
 * Parses the XML at data. NULL if out of memory or if the XML does not describe a guest at all; errors are
 * among the findings. file is borrowed.
 */
XmlElement *phases_parse(const char *file, const char *data, size_t size, Findings *findings);

/* The guest's name in parsed XML, which general_read() checks; "" if it is missing. */
const char *phases_name(XmlElement *xml);

/*
 * Reads parsed XML into a new guest, which takes ownership of it. kinds is the table of device kinds
 * (device/kinds.h). NULL if out of memory; errors are among the findings. file and settings are borrowed.
 */
Guest *phases_read(
        const char *file, XmlElement *xml, const DeviceKind *const *kinds, const Settings *settings,
        Findings *findings);

/* Completes and places: what phases_convert() does first. 0, -EINVAL if the findings contain an error,
 * -ENOMEM. */
int phases_place(Guest *g);

/* Completes, places, checks and builds. 0, -EINVAL if the findings contain an error, -ENOMEM. The plan
 * borrows from g. */
int phases_convert(Guest *g, Plan *plan);
