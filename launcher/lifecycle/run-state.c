/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Why a guest stopped, QEMU's STOP event does not say, but the state does that can be asked for afterwards.
 * So the state is asked for whenever it may have changed, and before each step of a power-down; nothing is
 * concluded from the order of events.
 *
 * A stopped guest is let continue to be powered down, since a stop of the unit should leave its disks clean.
 * The cause of a disk error may have been removed in the meantime, as a full file system that was cleared;
 * if not, the guest stops again at once. One that crashed cannot react, and QEMU refuses to continue after
 * an error inside itself.
 */

#include "launcher/lifecycle/run-state.h"

#include "util/text.h"

static const RunState run_states[] = {
        { "running", "Running", POWER_DOWN_BUTTON, true, false, false },
        { "paused", "Paused", POWER_DOWN_CONTINUE, false, false, false },
        { "suspended", "Suspended", POWER_DOWN_WAKE, false, false, false },
        { "shutdown", "Off", POWER_DOWN_WAIT, false, false, false },
        { "io-error", "Stopped by a disk error", POWER_DOWN_TRY, false, false, true },
        { "internal-error", "Stopped by an error inside QEMU", POWER_DOWN_IMPOSSIBLE, false, true, false },
        { "guest-panicked", "Crashed", POWER_DOWN_IMPOSSIBLE, false, false, false },
        { "watchdog", "Stopped by its watchdog", POWER_DOWN_TRY, false, false, true },
        { "prelaunch", "Not started yet", POWER_DOWN_IMPOSSIBLE, false, false, false },
        { "preconfig", "Not started yet", POWER_DOWN_IMPOSSIBLE, false, false, false },
        { "inmigrate", "Being restored", POWER_DOWN_IMPOSSIBLE, false, false, false },
        { "debug", "Stopped by a debugger", POWER_DOWN_CONTINUE, false, false, false },
        { "colo", "Stopped for a checkpoint", POWER_DOWN_WAIT, false, false, false },
        { "finish-migrate", "Being saved", POWER_DOWN_WAIT, false, false, false },
        { "postmigrate", "Paused, while it was to be saved", POWER_DOWN_CONTINUE, false, false, false },
        { "restore-vm", "Being restored", POWER_DOWN_WAIT, false, false, false },
        { "save-vm", "Being saved", POWER_DOWN_WAIT, false, false, false },
};

const RunState *run_state_find(const char *name)
{
        static const RunState unknown = {
                .name = "unknown", .text = "In an unknown state", .way = POWER_DOWN_BUTTON, .running = true
        };

        for (size_t i = 0; i < ELEMENTS(run_states); i++)
                if (name && streq(run_states[i].name, name))
                        return &run_states[i];
        return &unknown;
}
