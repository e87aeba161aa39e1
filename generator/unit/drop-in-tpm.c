/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd listens for the TPM before the guest starts, and starts it when QEMU connects: neither has to wait
 * for the other. It runs as the guest's user, whose state directory has the TPM's state, in a sandbox of its
 * own that shows nothing else of the guest.
 *
 * The service does not require its socket: of a guest that runs and whose XML is refused now, the socket is
 * no longer needed, but the TPM is.
 */

#include "generator/unit/drop-in-tpm.h"

#include <errno.h>

#include "generator/unit/commands.h"
#include "generator/unit/drop-in-user.h"
#include "guest/plan/plan.h"

bool tpm_is_emulated(const Conversion *c)
{
        return c->plan.tpm.version;
}

void tpm_write_dependencies(UnitFile *u, const Conversion *c)
{
        _cleanup_(freep) char *socket = NULL;

        if (!tpm_is_emulated(c))
                return;
        socket = text_format("vm-tpm@%s.socket", c->instance);
        if (!socket) {
                u->status = -ENOMEM;
                return;
        }
        /* unit names are not quoted: backslashes stay as they are */
        unit_plain(u, "Requires", socket);
        unit_plain(u, "After", socket);
}

static const char *user_of(const Plan *p)
{
        for (size_t i = 0; i < p->n_directives; i++)
                if (streq(p->directives[i].key, "User"))
                        return p->directives[i].value;
        return NULL;
}

int tpm_service_text(
        const Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size)
{
        _cleanup_(freep) char *state = text_format("vm/%s", name);
        const char *user = c->settings.user_scope ? NULL : user_of(&c->plan);
        _cleanup_(strings_done) Strings argv = { 0 };
        _cleanup_(unit_file_done) UnitFile u;
        int r = unit_file_start_beside(&u, path);

        r = r < 0 ? r : command_tpm(c, name, &argv);
        if (r < 0)
                return r;
        if (!state)
                return -ENOMEM;
        user_write_dependencies(&u, c);
        if (c->plan.tpm.state_path && !c->settings.user_scope)
                unit_word(&u, "RequiresMountsFor", c->plan.tpm.state_path, "");
        unit_section(&u, "Service");
        unit_empty(&u, "ExecStart");
        unit_command(&u, "ExecStart", "", &argv);
        if (user)
                unit_plain(&u, "User", user);
        unit_word_after(&u, "LogExtraFields", "VM_NAME=", name);
        unit_directory(&u, "StateDirectory", state);
        unit_word_after(&u, "NoExecPaths", "-+", c->state_directory);
        if (c->plan.tpm.state_path) {
                unit_bind(&u, "BindPaths", c->plan.tpm.state_path);
                unit_word_after(&u, "NoExecPaths", "-+", c->plan.tpm.state_path);
        }
        if (c->plan.tpm.credential)
                unit_plain(&u, "LoadCredential", c->plan.tpm.credential);
        return unit_file_finish(&u, ret_text, ret_size);
}

int tpm_socket_text(const Conversion *c, const char *path, char **ret_text, size_t *ret_size)
{
        _cleanup_(unit_file_done) UnitFile u;
        int r = unit_file_start_beside(&u, path);

        if (r < 0)
                return r;
        unit_section(&u, "Socket");
        unit_empty(&u, "ListenFIFO");
        unit_plain(&u, "ListenStream", c->settings.tpm_socket);
        return unit_file_finish(&u, ret_text, ret_size);
}
