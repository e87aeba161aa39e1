/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's default route. */

/* 1 if there is a default route of IPv4 or IPv6, 0 if not, or the kernel's negative errno. */
int route_has_default(int fd);
