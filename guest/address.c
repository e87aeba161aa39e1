/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "guest/address.h"

#include "guest/guest.h"

void address_read(Guest *g, Device *d)
{
}

const char *address_text(Guest *g, const Address *a)
{
        return "";
}
