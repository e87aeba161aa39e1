/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A user's service manager need not have these variables set, and a shell started by su or cron may lack the
 * manager's. According to the specification, values that are not absolute paths must be ignored.
 */

#include "util/user-directory.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/text.h"

static const struct {
        const char *variable, *below_home;
} directories[] = {
        [USER_HOME] = { "HOME", "" },
        [USER_CONFIG] = { "XDG_CONFIG_HOME", "/.config" },
        [USER_STATE] = { USER_STATE_DIRECTORY },
        [USER_RUN] = { "XDG_RUNTIME_DIR", NULL },
};

char *user_directory(UserDirectory which)
{
        const char *value = getenv(directories[which].variable);
        _cleanup_(freep) char *home = NULL;
        const struct passwd *entry;

        if (value && *value == '/')
                return strdup(value);
        if (which == USER_RUN)
                return text_format("/run/user/%u", (unsigned) getuid());
        if (which != USER_HOME) {
                home = user_directory(USER_HOME);
                return home ? text_format("%s%s", home, directories[which].below_home) : NULL;
        }
        entry = getpwuid(getuid());
        return strdup(entry && *entry->pw_dir == '/' ? entry->pw_dir : "/");
}
