/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything for a guest that requires privileges which neither its QEMU nor the launcher beside it may
 * have: opening TAPs, handing disks to the guest's user or opening them for QEMU, opening backing files that
 * only root may read. The guest's helper does this at the launcher's request (helper/helper.c), with root's
 * rights or a user's own.
 *
 * The order follows from what remains after a failure. Claims (claims.h) are void once the guest is off.
 * TAPs disappear when this process exits, so they come first. Files come next, because they have to be given
 * back (done here, or by cleanup if this process is killed). The descriptors are handed on last, when
 * nothing else can fail. What does not disappear by itself is recorded before it is done, see
 * host/undo-log.c.
 *
 * Capabilities depend on the arguments, as contract/rights.c says, and on what the guest's previous start
 * was granted. They are kept for the whole run; privileges.c describes the stages before.
 *
 * Trusted: the arguments, from the guest's unit. Not trusted: everything that the guest's user can write,
 * which is its runtime and state directories, and each image's content.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/exit.h"
#include "contract/fd-name.h"
#include "contract/limits.h"
#include "contract/rights.h"
#include "launcher/claim/claims.h"
#include "launcher/errand/path.h"
#include "launcher/grant/restore.h"
#include "launcher/host/host-device.h"
#include "launcher/host/sysfs.h"
#include "launcher/host/undo-log.h"
#include "launcher/prepare/log-file.h"
#include "launcher/prepare/manager.h"
#include "launcher/prepare/nvram.h"
#include "launcher/prepare/prepare.h"
#include "launcher/prepare/undo.h"
#include "launcher/rights/privileges.h"
#include "launcher/tap/host-link.h"
#include "launcher/tap/macvtap.h"
#include "launcher/tap/tap-port.h"
#include "launcher/tap/user-tap.h"
#include "log/log.h"
#include "net/netlink.h"
#include "util/file.h"
#include "util/unit-name.h"

typedef struct Preparation {
        const PrepareRequest *request;
        Granting granting;
        UndoLog *undo;     /* NULL if no argument requires it */
        size_t kept_steps; /* of it: what the guest has that runs */
        bool more;         /* the guest runs, and keeps all that it has */
        bool gives_back;
        Store store;
        Prepared last, prepared;
} Preparation;

static void preparation_done(Preparation *p)
{
        p->undo = undo_log_free(p->undo);
        store_done(&p->store);
        prepared_done(&p->last);
        prepared_done(&p->prepared);
}

static bool wants_macvtap(const PrepareRequest *q)
{
        for (size_t i = 0; i < q->taps.count; i++)
                if (q->taps.items[i].lower)
                        return true;
        return false;
}

static bool wants_undo(const PrepareRequest *q)
{
        return wants_macvtap(q) || q->devices.n_pci > 0;
}

static bool wants_files(const PrepareRequest *q)
{
        const DeviceRequests *d = &q->devices;

        return q->grants.count > 0 || q->images.count > 0 || q->chains.count > 0 || q->log_files.count > 0 ||
               q->nvram || d->n_usb > 0 || d->n_pci > 0 || d->n_mdev > 0 || d->n_scsi > 0;
}

static bool writes_images(const PrepareRequest *q)
{
        for (size_t i = 0; i < q->images.count; i++)
                if (q->images.items[i].access != ACCESS_READ)
                        return true;
        return false;
}

/* The guest's user creates the variables in its own directory, and root those elsewhere. */
static bool creates_for_user(const PrepareRequest *q)
{
        const char *state = getenv("STATE_DIRECTORY");

        return q->nvram && !(state && path_is_in(q->nvram, state));
}

static bool wants_grants(const PrepareRequest *q)
{
        const DeviceRequests *d = &q->devices;

        return q->grants.count > 0 || q->log_files.count > 0 || d->n_pci > 0 || d->n_mdev > 0 ||
               d->n_scsi > 0 || creates_for_user(q);
}

Capabilities prepare_capabilities(const PrepareRequest *q)
{
        const RightsNeeded needed = {
                .network = q->taps.count > 0 || q->reshaped.count > 0 || q->removes_links ||
                           device_requests_want_vf(&q->devices),
                .macvtap = wants_macvtap(q),
                .files = wants_files(q),
                .grants = wants_grants(q),
                .others_files = q->nvram || writes_images(q) || q->devices.n_scsi > 0,
        };

        return rights_needed(&needed);
}

/*
 * systemd warns about changed XML only while the unit is loaded, and not if the new file has an older date.
 */
static void check_source(const PrepareRequest *q)
{
        _cleanup_(freep) char *data = NULL;
        size_t size;
        int r;

        if (!q->source_path)
                return;
        r = file_read(AT_FDCWD, q->source_path, SOURCE_SIZE_MAX, &data, &size);
        if (r < 0)
                log_errno(
                        LOG_WARNING, r, "Cannot read %s, which this guest's unit was generated from",
                        q->source_path);
        else if (text_hash(data, size) != q->source_hash)
                log_warning(
                        "%s changed since the last systemctl daemon-reload; starting the guest as it was "
                        "defined then.",
                        q->source_path);
}

static int open_taps(Preparation *p)
{
        const TapList *taps = &p->request->taps;
        const Strings *links = &p->request->links;
        _cleanup_(closep) int netlink = -EBADF;
        int r;

        if (taps->count == 0 && links->count == 0)
                return 0;
        r = netlink_open(&netlink);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot open a netlink socket");
        for (size_t i = 0; i < links->count; i++) {
                r = host_link_require(netlink, links->items[i]);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < taps->count; i++) {
                const TapRequest *q = &taps->items[i];

                r = q->lower ? macvtap_open(netlink, q, p->undo, &p->store)
                    : q->broker
                            ? user_tap_open(netlink, p->request->guest, q, &p->last, &p->store, &p->prepared)
                            : tap_open(netlink, q, &p->last, &p->store, &p->prepared);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Last, since nothing takes it back if something else fails. */
static int change_rates(const PrepareRequest *request)
{
        _cleanup_(closep) int netlink = -EBADF;
        int r = request->reshaped.count > 0 ? netlink_open(&netlink) : 0;

        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot open a netlink socket");
        for (size_t i = 0; r >= 0 && i < request->reshaped.count; i++)
                r = tap_change_rates(netlink, &request->reshaped.items[i]);
        return r;
}

static int take_grant(const Granting *granting, const GrantRequest *q)
{
        return q->device ? grant_take_device(granting, q->mode, q->path)
                         : grant_take(granting, q->mode, q->path);
}

static int take_devices(Preparation *p)
{
        const DeviceRequests *d = &p->request->devices;
        int r;

        r = pci_take(&p->granting, SYSFS, d->pci, d->n_pci, p->undo);
        for (size_t i = 0; i < d->n_mdev && r >= 0; i++)
                r = mdev_take(&p->granting, SYSFS, &d->mdev[i]);
        for (size_t i = 0; i < d->n_usb && r >= 0; i++)
                r = usb_take(&p->granting, SYSFS, &d->usb[i], &p->store);
        for (size_t i = 0; i < d->n_scsi && r >= 0; i++)
                r = scsi_take(&p->granting, SYSFS, &d->scsi[i], &p->store);
        return r;
}

/* The descriptor of the image at that path; negative if it was not asked for. */
static int opened_image(const Preparation *p, const char *path)
{
        for (size_t i = 0; i < p->request->images.count; i++) {
                const ImageRequest *q = &p->request->images.items[i];
                _cleanup_(freep) char *name = fd_name_image(q->node);

                if (!name || !streq(q->path, path))
                        continue;
                for (size_t j = 0; j < p->store.count; j++)
                        if (streq(p->store.items[j].name, name))
                                return p->store.items[j].fd;
        }
        return -EBADF;
}

static int open_chain(Preparation *p, const ChainRequest *q)
{
        return chain_open(
                &p->granting, &p->request->image_directories, q, opened_image(p, q->path), &p->store);
}

/* What does not exist before the guest's first start. */
static int make_files(const PrepareRequest *q, const Granting *granting)
{
        int r = 0;

        if (q->nvram)
                r = nvram_make(granting, q->nvram_template, q->nvram);
        for (size_t i = 0; i < q->log_files.count && r >= 0; i++)
                r = log_file_make(granting, q->log_files.items[i]);
        return r;
}

static int take_files(Preparation *p)
{
        const PrepareRequest *q = p->request;
        int r = make_files(q, &p->granting);

        for (size_t i = 0; i < q->grants.count && r >= 0; i++)
                r = take_grant(&p->granting, &q->grants.items[i]);
        for (size_t i = 0; i < q->images.count && r >= 0; i++)
                r = image_open(&p->granting, &q->images.items[i], &p->store);
        for (size_t i = 0; i < q->chains.count && r >= 0; i++)
                r = open_chain(p, &q->chains.items[i]);
        return r < 0 ? r : take_devices(p);
}

/* Removes what was stored for the guest's previous run and is neither kept nor stored again. */
static int remove_stale(const Preparation *p)
{
        int r = 0;

        for (size_t i = 0; i < p->last.names.count && r >= 0; i++)
                if (!strings_have(&p->prepared.names, p->last.names.items[i]))
                        r = store_remove(&p->store, p->last.names.items[i]);
        return r;
}

/* Interfaces of cards that were removed since then are gone. */
static bool is_there(int netlink, const PreparedTap *tap)
{
        Link link;

        return netlink_find(netlink, tap->interface, &link) >= 0 && link.index == tap->index;
}

static int keep_tap(Preparation *p, const PreparedTap *tap)
{
        int r = prepared_add_tap(&p->prepared, tap);

        for (unsigned queue = 0; r >= 0 && queue < tap->queues; queue++)
                r = strings_take(&p->prepared.names, fd_name_tap(tap->id, queue));
        return r;
}

/* A macvtap is not listed as a TAP. */
static bool is_of_tap(const Prepared *prepared, const char *name)
{
        for (size_t i = 0; i < prepared->n_taps; i++)
                for (unsigned queue = 0; queue < prepared->taps[i].queues; queue++) {
                        _cleanup_(freep) char *one = fd_name_tap(prepared->taps[i].id, queue);

                        if (streq_null(one, name))
                                return true;
                }
        return false;
}

/* What the guest has already. */
static int keep_last(Preparation *p)
{
        _cleanup_(closep) int netlink = -EBADF;
        int r = p->last.n_taps > 0 ? netlink_open(&netlink) : 0;

        p->prepared.stop_usec = p->last.stop_usec;
        for (size_t i = 0; r >= 0 && i < p->last.n_taps; i++)
                if (!prepared_find_tap(&p->prepared, p->last.taps[i].id) &&
                    is_there(netlink, &p->last.taps[i]))
                        r = keep_tap(p, &p->last.taps[i]);
        for (size_t i = 0; r >= 0 && i < p->last.names.count; i++) {
                const char *name = p->last.names.items[i];

                if (!is_of_tap(&p->last, name) && !strings_have(&p->prepared.names, name))
                        r = strings_add(&p->prepared.names, name);
        }
        return r < 0 ? log_errno(LOG_ERR, r, "Failed to note what the guest has") : 0;
}

/* Only for a message, so a guest starts without it, too. */
static void ask_stop_timeout(Preparation *p)
{
        _cleanup_(freep) char *unit = NULL;
        int r;

        r = unit_name_for_guest(p->request->guest, &unit);
        if (r >= 0)
                r = manager_get(unit, "TimeoutStopUSec", 't', &p->prepared.stop_usec);
        if (r < 0)
                log_errno(LOG_DEBUG, r, "Cannot ask systemd for TimeoutStopSec= of the guest's unit");
}

/*
 * The list is written before the store is filled, so that every TAP in the store is in the list. A TAP that
 * is only in the list will turn out to be gone.
 */
static int hand_on(Preparation *p)
{
        int r;

        for (size_t i = 0; i < p->store.count; i++)
                if (!strings_have(&p->prepared.names, p->store.items[i].name) &&
                    strings_add(&p->prepared.names, p->store.items[i].name) < 0)
                        return log_out_of_memory();
        r = p->more ? keep_last(p) : remove_stale(p);
        if (r >= 0)
                r = prepared_write(p->granting.errand, p->granting.user, &p->prepared);
        if (r >= 0)
                r = store_send(&p->store);
        return r;
}

static int take_claims(const PrepareRequest *q, bool more)
{
        const char *run = privileges_run_directory();

        if (!run) {
                log_error("$XDG_RUNTIME_DIR is not set.");
                return -ENXIO;
        }
        if (more)
                return claims_add(run, q->guest, &q->claims, manager_guest_is_on);
        return claims_take(run, q->guest, &q->claims, q->max_guests, manager_guest_is_on);
}

/* Undoes what was done before a failure, and returns that failure. */
static int undo(Preparation *p, int failure)
{
        store_done(&p->store); /* a device is busy while a descriptor of it is open */
        if (p->undo)
                (void) undo_run_from(p->undo, p->kept_steps);
        return failure;
}

static int prepare(Preparation *p)
{
        _cleanup_(ledger_freep) Ledger *ledger = NULL;
        int r;

        check_source(p->request);
        r = prepared_read(p->granting.errand, p->granting.user, &p->last);
        if (r >= 0)
                r = take_claims(p->request, p->more);
        if (r >= 0 && wants_undo(p->request))
                r = undo_log_open(p->request->guest, &p->undo);
        if (r < 0)
                return r;
        if (p->undo && p->more)
                p->kept_steps = undo_log_count(p->undo);
        else if (p->undo)
                (void) undo_run(p->undo);
        r = open_taps(p);
        if (r >= 0 && wants_files(p->request) && privileges_are_root())
                r = ledger_open(&ledger);
        if (r < 0)
                return undo(p, r);
        /* what a previous run of this guest could not clean up */
        if (ledger && p->gives_back)
                (void) restore_guest(ledger, p->request->guest);
        p->granting.ledger = ledger;
        r = take_files(p);
        if (!p->more)
                ask_stop_timeout(p);
        if (r >= 0)
                r = hand_on(p);
        if (r >= 0)
                r = change_rates(p->request);
        if (r < 0 && ledger && p->gives_back)
                (void) restore_guest(ledger, p->request->guest);
        p->granting.ledger = NULL;
        return r < 0 ? undo(p, r) : 0;
}

static int exit_status(int r)
{
        switch (-r) {
        case 0:
                return 0;
        case EINVAL:
                return EXIT_BAD_USAGE;
        case EBADMSG:
                return EXIT_BAD_GUEST;
        case ENOENT:
        case ENOTDIR:
        case ENODEV:
        case ENXIO:
        case EEXIST:
                return EXIT_MISSING;
        case EACCES:
        case EPERM:
        case ELOOP:
        case EBUSY:
        case E2BIG:
                return EXIT_POLICY;
        default:
                return EXIT_OS;
        }
}

/*
 * Whether the guest's previous start was granted a file that it still has, because it is only restarted and
 * the definition or the policy changed meanwhile.
 */
static bool has_old_grants(const PrepareRequest *q)
{
        _cleanup_(ledger_freep) Ledger *ledger = NULL;
        bool needed = false;

        if (!privileges_are_root() || !wants_files(q) || access(LEDGER_DIRECTORY, F_OK) < 0 ||
            ledger_open(&ledger) < 0)
                return false;
        (void) restore_is_needed(ledger, q->guest, &needed);
        return needed;
}

/*
 * The child, and then the rights that remain. What was granted before is given back now, or, if vmunit.conf
 * forbids the rights that it takes, by cleanup once the guest is off.
 */
static int give_up_rights(
        const PrepareRequest *request, const GuestUser *user, bool more, Errand **ret, bool *ret_gives_back)
{
        const Capabilities chown = CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_FOWNER);
        Capabilities keep = prepare_capabilities(request);
        bool old = !more && has_old_grants(request);
        int r;

        if (old && privileges_may_keep(CAP_CHOWN))
                keep |= chown;
        *ret_gives_back = !old || (keep & chown) == chown;
        umask(0022);
        r = errand_start(user, ret);
        return r < 0 ? r : privileges_keep(keep);
}

static int prepare_as(
        const PrepareRequest *request, const GuestUser *user, bool more, StoreTell tell, void *userdata,
        Prepared *ret)
{
        _cleanup_(errand_freep) Errand *errand = NULL;
        _cleanup_(preparation_done) Preparation preparation = {
                .request = request,
                .more = more,
                .store = { .tell = tell, .userdata = userdata },
        };
        int r;

        r = give_up_rights(request, user, more, &errand, &preparation.gives_back);
        if (r < 0)
                return exit_status(r);
        preparation.gives_back = preparation.gives_back && !more;
        preparation.granting = (Granting){ .guest = request->guest, .user = user, .errand = errand };
        r = prepare(&preparation);
        if (r >= 0) {
                *ret = preparation.prepared;
                preparation.prepared = (Prepared){ 0 };
        }
        return exit_status(r);
}

int prepare_guest(
        const PrepareRequest *request, const GuestUser *user, StoreTell tell, void *userdata, Prepared *ret)
{
        return prepare_as(request, user, false, tell, userdata, ret);
}

int prepare_more(const PrepareRequest *request, const GuestUser *user, StoreTell tell, void *userdata)
{
        _cleanup_(prepared_done) Prepared prepared = { 0 };

        return prepare_as(request, user, true, tell, userdata, &prepared);
}

int prepare_files(const PrepareRequest *request, const GuestUser *user)
{
        _cleanup_(errand_freep) Errand *errand = NULL;
        _cleanup_(ledger_freep) Ledger *ledger = NULL;
        bool gives_back;
        int r;

        r = give_up_rights(request, user, false, &errand, &gives_back);
        if (r >= 0 && privileges_are_root())
                r = ledger_open(&ledger);
        if (r >= 0)
                r = make_files(
                        request,
                        &(Granting){
                                .guest = request->guest, .user = user, .errand = errand, .ledger = ledger });
        return exit_status(r);
}

static void on_stop(int signal)
{
        _exit(0);
}

void prepare_allow_stop(void)
{
        (void) signal(SIGTERM, on_stop);
}

int verb_prepare(int argc, char **argv)
{
        _cleanup_(prepare_request_done) PrepareRequest request = { 0 };
        _cleanup_(guest_user_done) GuestUser user = GUEST_USER_EMPTY;
        _cleanup_(prepared_done) Prepared prepared = { 0 };
        int r;

        r = prepare_request_read(argc, argv, &request);
        if (r < 0)
                return r == -ENOMEM ? EXIT_OS : EXIT_BAD_USAGE;
        log_open(request.guest, NULL);
        prepare_allow_stop();
        r = guest_user_find(request.guest, &user);
        return r < 0 ? exit_status(r) : prepare_guest(&request, &user, NULL, NULL, &prepared);
}
