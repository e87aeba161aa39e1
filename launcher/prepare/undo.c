/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table that leads from the undo log's steps to the modules that undo them. It is above both, because
 * modules write to the log and so the log cannot know them. Trusted: the log, which only root can write.
 */

#include "launcher/prepare/undo.h"

#include "contract/fd-name.h"
#include "launcher/host/host-device.h"
#include "launcher/tap/macvtap.h"
#include "util/text.h"

static const UndoKind kinds[] = {
        { "macvtap", macvtap_undo },
        { "pci", pci_undo },
        { "vf", vf_undo },
};

int undo_run_from(UndoLog *log, size_t first)
{
        return undo_log_run(log, kinds, ELEMENTS(kinds), &(UndoChoice){ .from = first });
}

int undo_run(UndoLog *log)
{
        return undo_run_from(log, 0);
}

static bool is_of_descriptor(const char *kind, char *words, const void *userdata)
{
        _cleanup_(freep) char *name = NULL;
        MacvtapStep step;

        if (!streq(kind, "macvtap") || macvtap_parse_step(words, &step) < 0 || !step.id)
                return false;
        name = fd_name_tap(step.id, 0);
        return streq_null(name, userdata);
}

int undo_released(const char *guest, const char *descriptor)
{
        const UndoChoice choice = { .wants = is_of_descriptor, .userdata = descriptor };
        _cleanup_(undo_log_freep) UndoLog *log = NULL;
        int r;

        if (!undo_log_is_needed(guest))
                return 0;
        r = undo_log_open(guest, &log);
        return r < 0 ? r : undo_log_run(log, kinds, ELEMENTS(kinds), &choice);
}
