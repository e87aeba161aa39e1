/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stricter than the kernel: accepted names need no escaping in options, unit files and messages. */

#include "util/interface-name.h"

#include <net/if.h>

#include "util/text.h"

bool interface_name_is_valid(const char *name)
{
        size_t n = strlen(name);

        if (n == 0 || n >= IFNAMSIZ || streq(name, ".") || streq(name, ".."))
                return false;
        for (; *name; name++)
                if (*name <= ' ' || *name >= 0x7f ||
                    strchr("/:%,", *name)) /* the kernel replaces % by a number */
                        return false;
        return true;
}
