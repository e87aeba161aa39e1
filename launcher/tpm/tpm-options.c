/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The arguments of `vm-launcher tpm`, which the generator writes (generator/unit/commands.c). */

#include <errno.h>

#include "contract/arguments.h"
#include "contract/options.h"
#include "launcher/tpm/tpm-state.h"

static int argument_version(const char *text, void *target)
{
        if (!streq(text, "1.2") && !streq(text, "2.0"))
                return -EINVAL;
        return argument_text(text, target);
}

static const Argument arguments[] = {
        { OPTION_GUEST, "a guest's name", argument_guest, offsetof(TpmState, guest), ARGUMENT_REQUIRED },
        { OPTION_UUID, "a UUID", argument_uuid, offsetof(TpmState, uuid), ARGUMENT_REQUIRED },
        { OPTION_VERSION, "1.2 or 2.0", argument_version, offsetof(TpmState, version), ARGUMENT_REQUIRED },
        { OPTION_PCR_BANKS, "a list", argument_text, offsetof(TpmState, pcr_banks), 0 },
        { OPTION_PROFILE, "a profile", argument_text, offsetof(TpmState, profile), 0 },
        { OPTION_PROFILE_REMOVE, "a word", argument_id, offsetof(TpmState, profile_remove), 0 },
        { OPTION_KEY, "a credential's name", argument_id, offsetof(TpmState, key), 0 },
        { OPTION_STATE_DIR, "an absolute path", argument_path, offsetof(TpmState, directory), 0 },
        { OPTION_STATE_FILE, "an absolute path", argument_path, offsetof(TpmState, file), 0 },
        { OPTION_LOG_LEVEL, "a number", argument_unsigned, offsetof(TpmState, log_level), 0 },
};

int tpm_options_read(TpmState *t, int argc, char **argv)
{
        *t = (TpmState){ 0 };
        return arguments_read(arguments, ELEMENTS(arguments), t, argc, argv, NULL);
}
