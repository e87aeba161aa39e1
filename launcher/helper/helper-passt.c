/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest that had no passt when it was started has a sandbox without a network, which nothing can be added
 * to. So passt is started outside of it: not by the helper, which ends soon, but by the service manager, in
 * a transient unit with the guest's user and a sandbox of its own. It ends when QEMU closes its end of the
 * socket. After a restart, the guest's unit has passt in it, like one that was defined so from the
 * beginning.
 */

#include "launcher/helper/helper-passt.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "contract/options.h"
#include "launcher/prepare/manager.h"
#include "launcher/program/passt-command.h"
#include "launcher/rights/privileges.h"
#include "log/log.h"
#include "util/unit-name.h"

int helper_passt_read(const Strings *command, PasstList *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < command->count && !streq(command->items[i], "--"); i++) {
                const char *value = text_after(command->items[i], "--" OPTION_PASST "=");

                if (value)
                        r = passt_list_read(value, ret);
        }
        return r;
}

static int start(const char *guest, const GuestUser *user, const PasstRequest *q, Strings *argv, int input)
{
        const unsigned uid = user->uid;
        _cleanup_(freep) char *guest_unit = NULL, *instance = unit_name_instance(guest), *unit = NULL,
                              *description = NULL, *field = text_format("VM_NAME=%s", guest);

        /* one that was removed may not have ended yet */
        unit = instance ? text_format("vm-passt-%s-%s-%d.service", instance, q->id, (int) getpid()) : NULL;
        description = text_format("Network %s of guest %s", q->id, guest);
        if (!unit || !description || !field || unit_name_for_guest(guest, &guest_unit) < 0)
                return -ENOMEM;
        return manager_start_program(&(ManagerProgram){
                .unit = unit,
                .guest_unit = guest_unit,
                .description = description,
                .identifier = "passt",
                .field = field,
                .argv = argv->items,
                .input = input,
                .uid = privileges_are_root() ? &uid : NULL,
        });
}

int helper_passt_start(const char *guest, const GuestUser *user, const PasstRequest *q, int *ret)
{
        _cleanup_(strings_done) Strings argv = { 0 };
        const char *program = passt_program();
        int pair[2], r;

        *ret = -EBADF;
        if (!program && q->optional)
                return 0;
        if (!program)
                return log_errno(
                        LOG_ERR, -ENOENT, "Cannot find passt, which network %s requires; install it", q->id);
        r = passt_command(q, program, STDIN_FILENO, &argv);
        if (r < 0)
                return log_out_of_memory();
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to create a socket pair");
        r = start(guest, user, q, &argv, pair[1]);
        (void) fd_close(pair[1]);
        if (r < 0) {
                (void) fd_close(pair[0]);
                return log_errno(LOG_ERR, r, "Failed to have passt started for network %s", q->id);
        }
        *ret = pair[0];
        return 0;
}
