/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who holds a TAP's descriptor may change its owner and make it persistent, but never its name. So the name
 * says whose it is, and what a user has is counted by that, whoever of the broker's lives made it.
 */

#include "broker/tap-name.h"

#include <stdio.h>

#include "util/text.h"

void tap_name_format(char ret[static IFNAMSIZ], uid_t uid, unsigned number)
{
        (void) snprintf(ret, IFNAMSIZ, "vm%u-%u", (unsigned) uid, number % TAP_NUMBERS);
}

bool tap_name_parse(const char *name, uid_t *ret_uid, unsigned *ret_number)
{
        char copy[IFNAMSIZ], again[IFNAMSIZ], *dash;
        unsigned uid, number;

        if (strlen(name) >= sizeof(copy) || !text_after(name, "vm"))
                return false;
        memcpy(copy, name, strlen(name) + 1);
        dash = strchr(copy, '-');
        if (!dash)
                return false;
        *dash = '\0';
        if (text_to_unsigned(copy + 2, UINT32_MAX, &uid) < 0 ||
            text_to_unsigned(dash + 1, TAP_NUMBERS - 1, &number) < 0)
                return false;
        /* leading zeros and the like */
        tap_name_format(again, uid, number);
        if (!streq(again, name))
                return false;
        *ret_uid = uid;
        *ret_number = number;
        return true;
}
