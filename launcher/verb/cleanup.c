/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Returns a guest's disks to their owners and reverts other changes made on the host for it
 * (prepare/undo.h), then retries what other guests could not return. systemd runs this as root after each
 * stop, even if the guest never started or was killed. TAPs and other descriptors need no cleanup, because
 * systemd closes them with the unit.
 *
 * With --stale, after a crash of the host, it returns what was given to guests before the present boot.
 *
 * The records have all the information, so the only input is a guest's name, as the instance of its unit.
 * The command is in the template and not in the drop-in, because the guest's XML may have been removed while
 * it was running. Before the first path that others may write on, only CAP_CHOWN, CAP_FOWNER and
 * CAP_DAC_READ_SEARCH are left, as in prepare.c, and CAP_NET_ADMIN if something has to be undone, since that
 * may be a macvtap or a virtual function of a network card.
 */

#include <cap-ng.h>
#include <errno.h>
#include <sys/stat.h>

#include "contract/arguments.h"
#include "contract/exit.h"
#include "contract/options.h"
#include "launcher/grant/restore.h"
#include "launcher/prepare/run-directory.h"
#include "launcher/prepare/undo.h"
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

/* What that guest has, or with NULL what no guest uses any more. */
static int give_back(const char *guest, bool report_absent)
{
        _cleanup_(ledger_freep) Ledger *ledger = NULL;
        int r;

        if (access(LEDGER_DIRECTORY, F_OK) < 0 && errno == ENOENT)
                return 0;
        r = ledger_open(&ledger);
        if (r < 0)
                return r;
        return guest ? restore_guest(ledger, guest) : restore_left(ledger, report_absent);
}

static int cleanup(const CleanupRequest *q)
{
        Capabilities keep = CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_DAC_READ_SEARCH);
        bool undoes = q->guest && undo_log_is_needed(q->guest);
        int r, result = 0;

        if (undoes)
                keep |= CAPABILITY(CAP_NET_ADMIN);
        r = privileges_keep(keep);
        if (r < 0)
                return r;
        if (q->guest) {
                result = give_back(q->guest, false);
                run_directory_forget(q->guest);
        }
        r = undoes ? undo(q->guest) : 0;
        result = result < 0 ? result : r;
        /* last, because the storage of other guests may hang */
        r = give_back(NULL, q->stale);
        return result < 0 ? result : r;
}

static void request_done(CleanupRequest *q)
{
        free(q->guest);
}

int verb_cleanup(int argc, char **argv)
{
        _cleanup_(request_done) CleanupRequest request = { 0 };
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
        if (!privileges_are_root())
                return 0; /* nothing was given to a user's guest */
        umask(0022);
        r = privileges_enter_host();
        if (r >= 0)
                r = cleanup(&request);
        return r < 0 ? EXIT_OS : 0;
}
