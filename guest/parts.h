/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All parts of a guest. A new one is a file, a row here and, if it has a struct of its own, a pointer in
 * Guest. */

#include "guest/part.h"

/* In the order in which they are read, completed, checked and told to QEMU. */
#define GUEST_PARTS(PART)     \
        PART(general)         \
        PART(os)              \
        PART(firmware)        \
        PART(machine)         \
        PART(cpu)             \
        PART(memory)          \
        PART(vcpu)            \
        PART(numa)            \
        PART(features)        \
        PART(clock)           \
        PART(sysinfo)         \
        PART(launch_security) \
        PART(tuning)          \
        PART(label)           \
        PART(iothreads)       \
        PART(qemu_namespace)  \
        PART(vmunit_namespace)

#define PART(name) extern const GuestPart part_##name;
GUEST_PARTS(PART)
#undef PART
