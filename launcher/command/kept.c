/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A monitor is shared with the launcher, which decides about the guest's life and reports it to systemd. A
 * guest that is ended, paused or migrated behind its back would be a failure, or be let continue. So these
 * commands have verbs of their own. The human monitor has them under names of its own.
 */

#include "launcher/command/kept.h"

#include <string.h>

#include "util/text.h"

static const struct Kept {
        const char *command, *human, *instead;
} kept[] = {
        { "quit", "quit", "use systemctl stop, or vmctl kill" },
        { "quit", "q", "use systemctl stop, or vmctl kill" },
        { "stop", "stop", "use vmctl pause" },
        { "stop", "s", "use vmctl pause" },
        { "cont", "cont", "use vmctl resume" },
        { "cont", "c", "use vmctl resume" },
        { "system_reset", "system_reset", "use vmctl reset" },
        { "migrate", "migrate", "migration is not for clients of the monitor" },
        { "migrate-incoming", "migrate_incoming", "migration is not for clients of the monitor" },
        { "migrate-continue", "migrate_continue", "migration is not for clients of the monitor" },
        { "migrate-pause", "migrate_pause", "migration is not for clients of the monitor" },
        { "migrate-recover", "migrate_recover", "migration is not for clients of the monitor" },
        { "migrate-start-postcopy", "migrate_start_postcopy",
          "migration is not for clients of the monitor" },
        { "migrate_cancel", "migrate_cancel", "migration is not for clients of the monitor" },
        { "migrate-set-parameters", "migrate_set_parameter", "migration is not for clients of the monitor" },
        { "migrate-set-capabilities", "migrate_set_capability",
          "migration is not for clients of the monitor" },
        { "set-action", "set-action", "change on_reboot and the like in the guest's XML" },
        { "watchdog-set-action", "watchdog_action", "change the action in the guest's XML" },
        { "x-exit-preconfig", "exit_preconfig", "the guest is started by systemctl" },
};

static bool is_human(const char *line, const char *name)
{
        size_t n;

        line += strspn(line, " \t");
        n = strcspn(line, " \t");
        return strlen(name) == n && strncmp(line, name, n) == 0;
}

const char *command_kept(const char *command, const json_t *arguments)
{
        const char *line = json_string_value(json_object_get(arguments, "command-line"));
        bool human = streq(command, "human-monitor-command");

        for (size_t i = 0; i < ELEMENTS(kept); i++)
                if (human ? line && is_human(line, kept[i].human) : streq(command, kept[i].command))
                        return kept[i].instead;
        return NULL;
}
