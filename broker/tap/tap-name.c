/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The holder of a TAP's descriptor can change its owner and make it persistent, but cannot rename it. So the
 * name says whose it is, and a user's TAPs are counted by name, even those from an earlier run of the
 * broker. Nor can a holder change the alias, which contains the guest's address.
 */

#include "broker/tap/tap-name.h"

#include <stdio.h>
#include <string.h>

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
        /* refuse leading zeros and the like */
        tap_name_format(again, uid, number);
        if (!streq(again, name))
                return false;
        *ret_uid = uid;
        *ret_number = number;
        return true;
}

char *tap_alias_new(const char *guest, uid_t uid, const uint8_t mac[static 6])
{
        return text_format("vmunit: guest %s of user %u, %s", guest, (unsigned) uid, mac_text(mac).text);
}

bool tap_alias_parse(const char *alias, uint8_t ret_mac[static 6])
{
        const char *comma = strrchr(alias, ',');
        uint8_t m[6];
        int n = 0;

        if (!text_after(alias, "vmunit: guest ") || !comma)
                return false;
        if (sscanf(comma, ", %2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2], &m[3], &m[4],
                   &m[5], &n) != 6 ||
            comma[n] != '\0')
                return false;
        memcpy(ret_mac, m, sizeof(m));
        return true;
}

void tap_end_address(const uint8_t mac[static 6], uint8_t ret[static 6])
{
        memcpy(ret, mac, 6);
        ret[0] = 0xfe;
}
