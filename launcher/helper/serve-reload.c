/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the helper does for a guest that runs: it tells the launcher what the guest's unit says now, opens
 * what of that the launcher asks for, and removes what the guest does not have any more. Nothing else that
 * the guest has is touched.
 */

#include "launcher/helper/serve-reload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "contract/exit.h"
#include "contract/fd-name.h"
#include "contract/limits.h"
#include "contract/options.h"
#include "launcher/helper/helper-passt.h"
#include "launcher/helper/reply.h"
#include "launcher/prepare/manager.h"
#include "launcher/prepare/prepare.h"
#include "launcher/prepare/undo.h"
#include "launcher/rights/privileges.h"
#include "launcher/tap/host-link.h"
#include "log/log.h"
#include "util/file.h"

/* systemd may have been reloaded since this helper was started, whose own arguments say what it opens. A
 * guest that is refused has no definition, and the launcher says so. */
static bool is_of_definition(const Strings *command, const char *definition)
{
        for (size_t i = 0; i < command->count && !streq(command->items[i], "--"); i++) {
                const char *value = text_after(command->items[i], "--" OPTION_DEFINITION "=");

                if (value)
                        return streq(value, definition);
        }
        return true;
}

/* What the guest's unit would start now, with a NUL after each argument, in a file without a name. */
static int send_command_line(
        const ServeOptions *service, const char *unit, const Strings *command, int *caller)
{
        const char *run = privileges_run_directory();
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (!is_of_definition(command, service->definition)) {
                log_error("The guest's definition changed while it was being reloaded. Reload it again.");
                return helper_reply_done(*caller, EXIT_CONFIG);
        }
        fd = run ? open(run, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
        r = fd < 0 ? -errno : 0;
        for (size_t i = 0; r >= 0 && i < command->count; i++)
                r = file_write_all(fd, command->items[i], strlen(command->items[i]) + 1);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to write the command line of %s", unit);
        r = helper_store("arguments", fd, caller);
        return r < 0 ? r : helper_reply_done(*caller, 0);
}

static int start_passts(
        const char *guest, const GuestUser *user, const PasstList *passts, const Strings *names, int *caller)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < passts->count; i++) {
                _cleanup_(freep) char *name = fd_name_passt(passts->items[i].id);
                _cleanup_(closep) int fd = -EBADF;

                if (!name)
                        return log_out_of_memory();
                if (!strings_have(names, name))
                        continue;
                r = helper_passt_start(guest, user, &passts->items[i], &fd);
                if (r >= 0 && fd >= 0)
                        r = helper_store(name, fd, caller);
        }
        return r;
}

/* The launcher names what it needs, and then has it opened; it may need nothing. The result follows. */
static int serve_needs(
        PrepareRequest *request, const GuestUser *user, const PasstList *passts, int *caller,
        int *ret_status)
{
        _cleanup_(strings_done) Strings names = { 0 };
        HelperMessage m;
        int r, status;

        for (;;) {
                r = helper_receive_any(*caller, &m);
                if (r < 0)
                        return r;
                if (m.kind == HELPER_RESULT) {
                        *ret_status = m.exit_status;
                        return 0;
                }
                if (m.kind == HELPER_RELEASED) {
                        (void) undo_released(request->guest, m.text);
                        continue;
                }
                if (m.kind == HELPER_NEED) {
                        if (names.count >= STORED_MAX || strings_add(&names, m.text) < 0)
                                return log_errno(LOG_ERR, -E2BIG, "The guest's launcher needs too much");
                        continue;
                }
                r = helper_expect(&m, HELPER_PREPARE);
                if (r < 0)
                        return r;
                if (prepare_request_keep(request, &names) < 0)
                        return log_out_of_memory();
                status = prepare_more(request, user, helper_store, caller);
                if (status == 0 && start_passts(request->guest, user, passts, &names, caller) < 0)
                        status = EXIT_MISSING;
                r = helper_reply_done(*caller, status);
                if (r < 0)
                        return r;
        }
}

int helper_serve_reload(const ServeOptions *service, PrepareRequest *request, const char *unit, int caller)
{
        _cleanup_(guest_user_done) GuestUser user = GUEST_USER_EMPTY;
        _cleanup_(passt_list_done) PasstList passts = { 0 };
        _cleanup_(strings_done) Strings command = { 0 };
        int r, fd = caller, status = EXIT_OS;

        request->removes_links = privileges_are_root() && undo_log_is_needed(service->guest);
        r = guest_user_of(fd, service->guest, &user);
        if (r >= 0) {
                r = manager_get_command(unit, &command);
                if (r >= 0)
                        r = helper_passt_read(&command, &passts);
                if (r < 0)
                        log_errno(LOG_ERR, r, "Failed to ask systemd for the command line of %s", unit);
        }
        if (r >= 0)
                r = send_command_line(service, unit, &command, &fd);
        if (r >= 0)
                r = helper_wait_without_limit(fd);
        host_link_on_wait(helper_wait, &fd);
        if (r >= 0)
                (void) serve_needs(request, &user, &passts, &fd, &status);
        host_link_on_wait(NULL, NULL);
        return status;
}
