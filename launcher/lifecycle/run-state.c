/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Why a guest stopped, QEMU's STOP event does not say, but the state does that can be asked for afterwards.
 * So the state is asked for whenever it may have changed, and before each step of a power-down; nothing is
 * concluded from the order of events.
 *
 * A guest that a person paused is let go on to be powered down: he who stops a unit wants the guest's disks
 * clean. One that stopped on an error of its disk, or crashed, would not get far, and is ended as it is.
 */

#include "launcher/lifecycle/run-state.h"

#include "util/text.h"

static const RunState run_states[] = {
        { "running", "Running", POWER_DOWN_BUTTON, true, false },
        { "paused", "Paused", POWER_DOWN_CONTINUE, false, false },
        { "suspended", "Suspended", POWER_DOWN_WAKE, false, false },
        { "shutdown", "Off", POWER_DOWN_WAIT, false, false },
        { "io-error", "Stopped by a disk error", POWER_DOWN_IMPOSSIBLE, false, false },
        { "internal-error", "Stopped by an error inside QEMU", POWER_DOWN_IMPOSSIBLE, false, true },
        { "guest-panicked", "Crashed", POWER_DOWN_IMPOSSIBLE, false, false },
        { "watchdog", "Stopped by its watchdog", POWER_DOWN_IMPOSSIBLE, false, false },
        { "prelaunch", "Not started yet", POWER_DOWN_IMPOSSIBLE, false, false },
        { "preconfig", "Not started yet", POWER_DOWN_IMPOSSIBLE, false, false },
        { "inmigrate", "Waiting for an incoming migration", POWER_DOWN_IMPOSSIBLE, false, false },
        { "debug", "Stopped by a debugger", POWER_DOWN_IMPOSSIBLE, false, false },
        { "colo", "Stopped for a checkpoint", POWER_DOWN_WAIT, false, false },
        { "finish-migrate", "Migrating to another host", POWER_DOWN_WAIT, false, false },
        { "postmigrate", "Migrated to another host", POWER_DOWN_IMPOSSIBLE, false, false },
        { "restore-vm", "Being restored", POWER_DOWN_WAIT, false, false },
        { "save-vm", "Being saved", POWER_DOWN_WAIT, false, false },
};

const RunState *run_state_find(const char *name)
{
        static const RunState unknown = { "unknown", "In an unknown state", POWER_DOWN_BUTTON, true, false };

        for (size_t i = 0; i < ELEMENTS(run_states); i++)
                if (name && streq(run_states[i].name, name))
                        return &run_states[i];
        return &unknown;
}
