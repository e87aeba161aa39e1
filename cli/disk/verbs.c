/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl's verbs for the images of disks: how each is called. */

#include "cli/cli.h"

const Verb disk_verbs[] = {
        { "resize-disk",
          "NAME TARGET SIZE",
          "make a disk of a running guest larger",
          "Makes the image larger; the guest sees the new size at once, and has to grow its file system\n"
          "itself. SIZE is in bytes or has a unit, such as 20GiB.\n",
          { NULL },
          3,
          3,
          verb_resize_disk },
        { .name = "commit",
          .arguments = "NAME TARGET [IMAGE]",
          .what = "merge the newest images of a disk",
          .details =
                  "Writes what the newest images of the disk have into the one behind them, or into IMAGE, "
                  "which\n"
                  "is one of those that the definition of the disk names, and has the guest, which has to "
                  "run,\n"
                  "go on with that. The files of the others stay; the output names them. Images of "
                  "snapshots\n"
                  "are merged by vmctl snapshot delete.\n",
          .min = 2,
          .max = 3,
          .run = verb_commit },
        { .name = "snapshot",
          .arguments = "ACTION NAME ...",
          .what = "keep the state of a guest's disks",
          .details =
                  "create NAME [SNAPSHOT] [--internal|--disk-only] [--disk=TARGET[=PATH]]...\n"
                  "       [--description=TEXT]\n"
                  "    Keeps a guest that runs as it is, with its memory, inside of its images if all that "
                  "it\n"
                  "    writes are qcow2 (--internal: or fails). Otherwise, or with --disk-only or --disk:\n"
                  "    Keeps the disks as they are: an empty image is put over each, which takes what the\n"
                  "    guest writes from then on. A guest that runs is not interrupted; its agent freezes "
                  "its\n"
                  "    file systems for the moment if it answers. Without --disk, all disks that the guest\n"
                  "    writes. The new image is beside the old one (web.qcow2, web.SNAPSHOT), or PATH.\n\n"
                  "list NAME [--json|--tree]\n"
                  "    Prints the guest's snapshots, the oldest first.\n\n"
                  "revert NAME SNAPSHOT\n"
                  "    Has a guest that runs go on as in an internal snapshot. Otherwise has the disks of a "
                  "guest\n"
                  "    that is off be as they were; what was written since stays in its files, which the\n"
                  "    output names.\n\n"
                  "delete NAME SNAPSHOT\n"
                  "    Forgets the snapshot: what was written since is merged into the images of the "
                  "snapshot,\n"
                  "    while the guest runs.\n",
          .min = 2,
          .max = -1,
          .own_options = true,
          .run = verb_snapshot },
};

const size_t n_disk_verbs = ELEMENTS(disk_verbs);
