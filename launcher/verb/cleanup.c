/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Returns a guest's disks to their owners and reverts other changes made on the host for it
 * (prepare/undo.h), then retries what other guests could not return. systemd runs this as root when the
 * guest is off, even if it never started or was killed: the socket of its helper stops then, and this is the
 * socket's ExecStopPost=. TAPs and other descriptors need no cleanup, because systemd closes them with the
 * guest's unit.
 *
 * If the socket fails while the guest runs, nothing is returned: the guest has its disks.
 *
 * With --stale, after a crash of the host, it returns what was given to guests before the present boot.
 *
 * Fragments that were to last until the guest is off are removed, and the service manager reads the guest's
 * definition again without them; those of a guest that was saved are kept (fragments/fragments-end.c).
 *
 * The records have all the information, so the only input is a guest's name, as the instance of its unit.
 * The command is in the template and not in the drop-in, because the guest's XML may have been removed while
 * it was running.
 *
 * The unit has the capabilities that any record may require: the records are of the guest's last start, and
 * the drop-in may already be that of another definition or policy, with which nothing must stay changed. So
 * the process itself gives up what the records do not require, before the first path that others may write
 * on: CAP_CHOWN, CAP_FOWNER and CAP_DAC_READ_SEARCH without a file to give back, and CAP_NET_ADMIN without
 * anything to undo, which may be a macvtap or a virtual function of a network card.
 */

#include <cap-ng.h>
#include <errno.h>
#include <sys/stat.h>

#include "contract/arguments.h"
#include "contract/exit.h"
#include "contract/options.h"
#include "launcher/fragments/fragments-end.h"
#include "launcher/grant/restore.h"
#include "launcher/prepare/manager.h"
#include "launcher/prepare/run-directory.h"
#include "launcher/prepare/undo.h"
#include "launcher/rights/confine.h"
#include "launcher/rights/privileges.h"
#include "launcher/verb/verbs.h"
#include "log/log.h"
#include "util/unit-name.h"

typedef struct CleanupRequest {
        const char *instance;
        char *guest;
        bool stale;
} CleanupRequest;

static const Argument cleanup_arguments[] = {
        { OPTION_INSTANCE, "a unit's instance", argument_text, offsetof(CleanupRequest, instance), 0 },
        { OPTION_STALE, "", argument_switch, offsetof(CleanupRequest, stale), ARGUMENT_SWITCH },
};

/* Changes made on the host, once only root owns what they concern. */
static int undo(const char *guest)
{
        _cleanup_(undo_log_freep) UndoLog *undo = NULL;
        int r;

        r = undo_log_open(guest, &undo);
        return r < 0 ? r : undo_run(undo);
}

/* NULL if there was never a record. */
static int open_ledger(Ledger **ret)
{
        return access(LEDGER_DIRECTORY, F_OK) < 0 && errno == ENOENT ? 0 : ledger_open(ret);
}

static int cleanup(const CleanupRequest *q)
{
        _cleanup_(ledger_freep) Ledger *ledger = NULL;
        bool undoes = q->guest && undo_log_is_needed(q->guest);
        bool forgets = q->guest && run_directory_is_left(q->guest), restores = false;
        Capabilities keep = undoes ? CAPABILITY(CAP_NET_ADMIN) : 0;
        int r, result;

        result = open_ledger(&ledger);
        if (ledger && restore_is_needed(ledger, NULL, &restores) < 0)
                restores = true;
        if (restores || forgets)
                keep |= CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_DAC_READ_SEARCH);
        r = privileges_keep(keep);
        if (r < 0)
                return r;
        if (ledger && q->guest)
                result = restore_guest(ledger, q->guest);
        if (forgets)
                run_directory_forget(q->guest);
        r = undoes ? undo(q->guest) : 0;
        result = result < 0 ? result : r;
        /* last, because the storage of other guests may hang */
        r = ledger ? restore_left(ledger, q->stale) : 0;
        return result < 0 ? result : r;
}

/* A manager that does not answer may run the guest. */
static int check_off(const char *guest, bool *ret)
{
        _cleanup_(freep) char *unit = NULL;
        uint32_t launcher = 0;
        int r;

        r = unit_name_for_guest(guest, &unit);
        if (r >= 0)
                r = manager_get(unit, "MainPID", 'u', &launcher);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r,
                        "Not returning the disks of guest %s: failed to ask the service manager whether it "
                        "is off",
                        guest);
        *ret = launcher == 0;
        return 0;
}

static void request_done(CleanupRequest *q)
{
        free(q->guest);
}

int verb_cleanup(int argc, char **argv)
{
        _cleanup_(request_done) CleanupRequest request = { 0 };
        bool off = true;
        int r;

        r = arguments_read(cleanup_arguments, ELEMENTS(cleanup_arguments), &request, argc, argv, NULL);
        if (r >= 0 && !request.instance == !request.stale) {
                log_error("Exactly one of --instance=INSTANCE and --stale is required.");
                r = -EINVAL;
        }
        if (r < 0)
                return r == -ENOMEM ? EXIT_OS : EXIT_BAD_USAGE;
        if (request.instance) {
                r = unit_name_guest(request.instance, &request.guest);
                if (r == 0 || r == -EINVAL)
                        return 0; /* no guest's unit, but maybe one that reads like that of a guest which
                                     runs */
                if (r < 0)
                        return EXIT_OS;
        }
        log_open(request.guest, NULL);
        if (confine_cleanup() < 0)
                return EXIT_OS;
        if (request.guest)
                fragments_end(request.guest);
        else if (privileges_are_root())
                fragments_bring_back();
        if (!privileges_are_root())
                return 0; /* nothing was given to a user's guest */
        umask(0022);
        r = request.guest ? check_off(request.guest, &off) : 0;
        if (r >= 0 && off)
                r = cleanup(&request);
        return r < 0 ? EXIT_OS : 0;
}
