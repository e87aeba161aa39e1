/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Modules remember their steps in the undo log, so the log cannot know them: the table that leads from a
 * step back to its module is here, above both. Trusted: the log, which only root can write.
 */

#include "launcher/prepare/undo.h"

#include "launcher/host/host-device.h"
#include "launcher/tap/macvtap.h"

static const UndoKind kinds[] = {
        { "macvtap", macvtap_undo },
        { "pci", pci_undo },
        { "vf", vf_undo },
};

int undo_run(UndoLog *log)
{
        return undo_log_run(log, kinds, ELEMENTS(kinds));
}
