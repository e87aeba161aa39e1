/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest's memory is dumped when it crashed, before it is stopped, and when its watchdog found that it
 * hangs. After the latter the guest continues: the dump shows why it hung, and it may recover.
 */

#include "launcher/lifecycle/lifecycle-private.h"
#include "log/log.h"

/* Whether done will be called. */
static bool dump(Lifecycle *l, DumpDone done)
{
        if (l->dump)
                return false;
        if (!l->options->state_directory) {
                log_warning("Not dumping the guest's memory: STATE_DIRECTORY is not set.");
                return false;
        }
        return dump_new(l->event, l->monitor, l->options->state_directory, done, l, &l->dump) >= 0;
}

static void on_crash_dumped(bool written, void *userdata)
{
        Lifecycle *l = userdata;

        l->dump = dump_free(l->dump);
        if (l->phase == PHASE_DUMPING)
                lifecycle_crash_ends(l);
}

void lifecycle_crashed(Lifecycle *l)
{
        Fate fate = l->options->on_crash;

        if ((fate == FATE_DUMP_DESTROY || fate == FATE_DUMP_RESTART) && dump(l, on_crash_dumped)) {
                l->phase = PHASE_DUMPING;
                lifecycle_set_status(l, "Crashed, dumping its memory…");
                return;
        }
        lifecycle_crash_ends(l);
}

static void go_on(Lifecycle *l)
{
        if (l->phase == PHASE_LIVING)
                (void) monitor_execute(l->monitor, "cont", NULL, NULL, l, MONITOR_PATIENCE);
}

static void on_hung_dumped(bool written, void *userdata)
{
        Lifecycle *l = userdata;

        l->dump = dump_free(l->dump);
        go_on(l);
}

void lifecycle_hung(Lifecycle *l)
{
        if (!dump(l, on_hung_dumped))
                go_on(l);
}
