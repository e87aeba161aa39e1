/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses that the host knows of other machines on its networks, by their MAC addresses. */

#include <netinet/in.h>
#include <stdint.h>

#define NEIGHBOUR_TEXT_SIZE INET6_ADDRSTRLEN

/* Calls each for every address that answered; what it returns below 0 is returned. address is text. */
typedef int NeighbourEach(const uint8_t mac[static 6], const char *address, void *data);

/* fd: of netlink_open(). Needs no privilege. Negative errno as the kernel says it. */
int neighbour_list(int fd, NeighbourEach *each, void *data);
