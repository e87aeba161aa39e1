/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table that leads from the undo log's steps to the modules that undo them. It is above both, because
 * modules write to the log and so the log cannot know them. Trusted: the log, which only root can write.
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
