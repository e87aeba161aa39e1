/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* IP addresses of other machines on the host's networks, by their MAC addresses. */

#include <netinet/in.h>
#include <stdint.h>

#define NEIGHBOUR_TEXT_SIZE INET6_ADDRSTRLEN

/* Calls each for every address that answered, as text; a negative result is returned. */
typedef int NeighbourEach(const uint8_t mac[static 6], const char *address, void *data);

/* fd is from netlink_open(). Requires no privilege. Returns the kernel's negative errno. */
int neighbour_list(int fd, NeighbourEach *each, void *data);
