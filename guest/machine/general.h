/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every guest has: name, UUID, accelerator, and what happens when it powers off, reboots or crashes. */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

typedef enum Accelerator {
        ACCELERATOR_KVM = 1,
        ACCELERATOR_TCG,
} Accelerator;

/* In the order of libvirt's words; see general.c. */
typedef enum Action {
        ACTION_DESTROY = 1,
        ACTION_RESTART,
        ACTION_PRESERVE,
        ACTION_RENAME_RESTART,
        ACTION_COREDUMP_DESTROY,
        ACTION_COREDUMP_RESTART,
} Action;

typedef struct General {
        /* hardware_uuid is the one that the guest sees */
        const char *name, *uuid, *hardware_uuid, *title, *description, *emulator, *genid;
        bool genid_there;
        int type;                             /* Accelerator */
        int on_poweroff, on_reboot, on_crash; /* Action */
        int on_lock_failure;
        Tristate suspend_to_mem, suspend_to_disk;
} General;
