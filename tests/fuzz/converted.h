/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What must be so of any conversion, whatever the XML was. */

#include "generator/convert/convert.h"

/*
 * A conversion that failed has a finding, and the drop-in of one has no directive and its command line no
 * option that the tables cannot produce; systemd would read exactly the planned command line from it. file:
 * the guest's; xml: all of its text, fragments too. Aborts if one of these is not so.
 */
void check_converted(Conversion *c, const char *file, const char *xml);
