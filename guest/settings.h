/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What conversion takes from outside the XML: the scope, the guest's directories, and the administrator's
 * policy. */

#include <stdbool.h>

#include "util/text.h"

typedef struct Settings {
        bool user_scope;
        const char *instance;        /* of the guest's unit: its name, escaped */
        const char *run_directory;   /* the guest's own, "/run/vm/NAME" */
        const char *state_directory; /* the guest's own, "/var/lib/vm/NAME" */
        const char
                *root; /* before the directories of firmware descriptors and of vmunit.conf; NULL for none */

        /* vmunit.conf(5) */
        Strings image_directories;   /* where backing files that only an image names may lie */
        bool allow_qemu_commandline; /* <qemu:commandline> and its kin */
        bool allow_host_devices;     /* <hostdev> and others that hand a device of the host to the guest */
} Settings;

static inline void settings_done(Settings *s)
{
        strings_done(&s->image_directories);
        *s = (Settings){ 0 };
}
