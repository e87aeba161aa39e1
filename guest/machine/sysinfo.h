/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <sysinfo>: the contents of SMBIOS tables, and entries of the firmware configuration device. */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

typedef struct Sysinfo {
        XmlElement *smbios, *fwcfg;
} Sysinfo;
