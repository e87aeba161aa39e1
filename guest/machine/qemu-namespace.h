/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Elements of libvirt's QEMU namespace, which pass arguments directly to QEMU: <qemu:commandline> etc. */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

typedef struct QemuNamespace {
        XmlElement *command_line, *override, *deprecation;
        int deprecation_behavior; /* words of qemu-namespace.c */
} QemuNamespace;
