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
          .arguments = "[--pull] NAME TARGET [IMAGE]",
          .what = "merge the newest images of a disk",
          .options = { "pull" },
          .details =
                  "Writes what the newest images of the disk have into the one behind them, or into IMAGE, "
                  "which\n"
                  "is one of those that the definition of the disk names, and has the guest go on with "
                  "that. "
                  "The\n"
                  "files of the others stay; the output names them. Images of snapshots are merged by "
                  "vmctl\n"
                  "snapshot delete.\n\n"
                  "  --pull     write all that is behind the newest image into that, which the guest keeps, "
                  "or\n"
                  "             what is before IMAGE\n",
          .min = 2,
          .max = 3,
          .run = verb_commit },
        { .name = "copy-disk",
          .arguments = "[--pivot] [--format=FORMAT] [--bandwidth=BYTES] NAME TARGET FILE",
          .what = "copy a disk of a running guest",
          .details =
                  "Copies a disk, with what is behind its image, to FILE, while the guest goes on. FILE is "
                  "new, or\n"
                  "a block device, whose contents are replaced. The copy is the disk as it is at the end; "
                  "the\n"
                  "guest's agent freezes its file systems for that moment if it answers. If the copy fails "
                  "or is\n"
                  "interrupted, no file is left.\n\n"
                  "  --pivot            have the guest go on with the copy, for good; the image that it had "
                  "stays\n"
                  "  --format=FORMAT    raw or qcow2; default: that of the image, of a block device raw\n"
                  "  --bandwidth=BYTES  copy at most so much a second, such as 50MiB\n",
          .min = 3,
          .max = 3,
          .run = verb_copy_disk,
          .extras = { "pivot", "format=", "bandwidth=" } },
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
                  "revert NAME SNAPSHOT [--force]\n"
                  "    Has a guest that runs go on as in an internal snapshot. Otherwise has the disks of a "
                  "guest\n"
                  "    that is off be as they were; what was written since stays in its files, which the\n"
                  "    output names. With --force, a guest that runs is turned off as by vmctl kill, and "
                  "started\n"
                  "    again.\n\n"
                  "delete NAME SNAPSHOT\n"
                  "    Forgets the snapshot: what was written since is merged into the images of the "
                  "snapshot.\n",
          .min = 2,
          .max = -1,
          .own_options = true,
          .run = verb_snapshot },
};

const size_t n_disk_verbs = ELEMENTS(disk_verbs);
