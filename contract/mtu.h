/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The MTUs that the kernel accepts for a TAP device. XML, launcher and broker refuse any other. */

#define MTU_MIN 68U    /* the least that IPv4 requires */
#define MTU_MAX 65521U /* 65535 minus the Ethernet header */
