/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the host's packets go. */

/* 1 where there is a default route of IPv4 or IPv6, 0 where there is none, or the kernel's negative errno.
 */
int route_has_default(int fd);
