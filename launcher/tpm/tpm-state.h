/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The state of a guest's emulated TPM, which swtpm_setup makes before the guest's first start. */

#include "util/text.h"

#define TPM_STATE  "tpm" /* its directory, in the guest's state directory */
#define TPM_CIPHER "aes-256-cbc"

/* What the guest's XML wants it to be. */
typedef struct TpmState {
        const char *guest, *version, *pcr_banks, *profile, *profile_remove, *key;
        const char *directory, *file; /* where the state is, if not in the guest's state directory */
        char uuid[37];
        unsigned log_level;
} TpmState;

/* Reads the arguments of the verb tpm. A negative errno, logged. */
int tpm_options_read(TpmState *t, int argc, char **argv);

static inline bool tpm_is_2(const TpmState *t)
{
        return streq(t->version, "2.0");
}

/* For swtpm, where the state is; NULL if out of memory. */
char *tpm_state_uri(const TpmState *t);

/*
 * Enters the guest's state directory, and makes the TPM's state or changes it as far as it can be changed.
 * key: the file with the passphrase, or NULL. 0 or an exit status, logged: EXIT_CONFIG if the state is of
 * another version or incomplete.
 */
int tpm_state_prepare(const TpmState *t, const char *directory, const char *key);
