/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* PCI addresses, and the controllers that they require. */

typedef struct Guest Guest;

void place_pci(Guest *g);
