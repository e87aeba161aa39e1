/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The XML of a guest with everything that a conversion completed: what "vmctl dumpxml" prints. */

#include "generator/convert/convert.h"

typedef enum DefinitionFlags {
        DEFINITION_SECRETS = 1 << 0, /* passwords as they are; else as libvirt hides them */
        DEFINITION_ALIASES = 1 << 1, /* QEMU's ids of the devices, as of a guest that runs */
} DefinitionFlags;

/*
 * Writes into the guest's XML what was completed and placed: identities, implied devices, addresses. The
 * conversion must have succeeded, and its plan is not valid any more. c->guest->xml can be changed further,
 * and is written by xml_write(). 0 or -ENOMEM.
 */
int definition_complete(Conversion *c, DefinitionFlags flags);
