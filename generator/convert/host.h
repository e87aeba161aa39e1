/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the conversions of one scope have in common. A program reads it once and lends it to all of them. */

#include "guest/device.h"
#include "guest/keyed-hash.h"
#include "policy/policy.h"

typedef struct Host {
        const char *root; /* a prefix of the host's directories; NULL for none */
        bool user_scope;
        bool lasting; /* set after host_read(): fragments that last only until the guest is off are left out
                       */
        char *run, *state; /* directories that contain those of all guests: "/run", "/var/lib" */
        char *home;        /* of the user; NULL in the system scope */
        Policy policy;
        uint8_t identity_key[KEYED_HASH_KEY_SIZE]; /* for what the XML of guests leaves out */
        Findings *findings;                        /* about vmunit.conf; each conversion repeats them */
        int status;                                /* what host_read() returned */

        const DeviceKind *const *kinds; /* of devices that guests can have: device_kinds */
} Host;

/*
 * Finds the scope's directories and reads vmunit.conf. root is borrowed. 0; -EBADMSG if vmunit.conf is
 * invalid; -ENOMEM. After an error, conversions can still be started: each fails with the same error, so
 * that each guest is refused with the reason. host_done() is required in each case.
 */
int host_read(Host *host, const char *root, bool user_scope);
void host_done(Host *host);

/*
 * Takes the identities of guests from the machine ID below the host's root, and the user: host_read() does
 * so for the caller. Without a machine ID they depend on names and users only.
 */
void host_identify(Host *host, uid_t user);
