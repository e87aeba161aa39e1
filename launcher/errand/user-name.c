/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Messages name users the way administrators know them. Names are only for messages: no decision depends on
 * them.
 */

#include "launcher/errand/user-name.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

UserName user_name(uid_t uid)
{
        const struct passwd *entry = getpwuid(uid);
        UserName name;

        /* a truncated name would be ambiguous */
        if (entry && strlen(entry->pw_name) < sizeof(name.text))
                strcpy(name.text, entry->pw_name);
        else
                snprintf(name.text, sizeof(name.text), "%u", uid);
        return name;
}
