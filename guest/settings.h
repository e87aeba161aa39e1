/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a conversion takes from outside the XML: the scope, the guest's directories, and the administrator's
 * policy. It is complete before the first reader runs, and no phase changes it. */

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

typedef struct Settings {
        bool user_scope;
        const char *instance;                 /* of the guest's unit, see util/unit-name.h */
        const char *run_directory;            /* the guest's own, "/run/vm/NAME" */
        const char *state_directory;          /* the guest's own, "/var/lib/vm/NAME" */
        const char *session_directory, *home; /* $XDG_RUNTIME_DIR and $HOME; NULL in the system scope */
        const char *helper_socket;            /* of the guest's helper */
        const char *tpm_socket;               /* of the TPM that is emulated for the guest */
        const uint8_t *identity_key; /* of KEYED_HASH_KEY_SIZE: what the XML leaves out is derived from it */
        bool in_place;               /* the XML is a guest's file already, and not yet to be defined */
        const char *root;            /* a prefix of the directories of firmware descriptors; NULL for none */
        const Policy *policy;        /* vmunit.conf(5) */
} Settings;
