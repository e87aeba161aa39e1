/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launcher cannot read its own unit, which it does not see from its sandbox, and cannot open what is
 * new. Its helper does both: it asks the service manager for the unit's command line, and then opens what of
 * it the launcher names. The launcher trusts the helper as at a start (helper/helper-client.c); QEMU is not
 * trusted, and what it refuses or leaves unanswered ends the reload, not the guest.
 *
 * Nothing here waits: each step begins where the answer to the one before arrives.
 */

#include "launcher/reload/reload-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "contract/exit.h"
#include "contract/fd-name.h"
#include "contract/limits.h"
#include "launcher/errand/errand-agent.h"
#include "launcher/helper/helper.h"
#include "launcher/machine/processors.h"
#include "launcher/program/passt-command.h"
#include "launcher/reload/changes.h"
#include "launcher/stream/listener.h"
#include "log/log.h"
#include "net/netlink.h"
#include "net/route.h"
#include "util/file.h"

Changes reload_changes(Reload *r, MachineParts *parts)
{
        *parts = (MachineParts){ &r->options, &r->line, &r->fds };
        return (Changes){
                .machine = &r->machine,
                .parts = parts,
                .difference = &r->difference,
                .disks = &r->context.options->life.disks,
                .vcpus = r->vacant,
                .n_vcpus = r->machine.boot_vcpus + (unsigned) r->machine.vcpus.count,
        };
}

LayerContext reload_layers(Reload *r, MachineParts *parts)
{
        *parts = (MachineParts){ &r->options, &r->line, &r->fds };
        return (LayerContext){ &r->machine, parts, &r->difference };
}

/* ——— the definition ——— */

typedef struct Needs {
        Reload *reload;
        size_t asked;
        int status;
} Needs;

static void need(const char *name, void *userdata)
{
        Needs *n = userdata;
        Reload *r = n->reload;
        HelperMessage m = { .kind = HELPER_NEED };
        int fd = -EBADF;

        if (n->status < 0)
                return;
        if (reload_makes_socket(r, name)) {
                n->status = listener_socket(r->context.directory, name, &fd);
                if (n->status >= 0)
                        n->status = fds_put(&r->fds, name, fd);
                return;
        }
        if (strlen(name) >= sizeof(m.text)) {
                n->status = -ENAMETOOLONG;
                return;
        }
        strcpy(m.text, name);
        n->asked++;
        n->status = errand_send(r->helper, &m, sizeof(m), -EBADF);
}

/* ——— limits of traffic ——— */

/* The place of "ID:LIMITS" of that id; NULL if it has none. */
static char **find_bandwidth(const Strings *bandwidths, const char *id)
{
        size_t n = strlen(id);

        for (size_t i = 0; i < bandwidths->count; i++)
                if (strncmp(bandwidths->items[i], id, n) == 0 && bandwidths->items[i][n] == ':')
                        return &bandwidths->items[i];
        return NULL;
}

/* Of a card that is there and stays; a new one gets its limits when its TAP is opened. */
static bool stays(const Reload *r, const char *id)
{
        return command_line_find(&r->machine.line, "-netdev", id) &&
               command_line_find(&r->line, "-netdev", id);
}

/* Until the reload is over, nobody knows which limits the card has, so that one that fails is not the last.
 */
static int note_unknown(Strings *bandwidths, const char *id)
{
        char **old = find_bandwidth(bandwidths, id), *unknown = text_format("%s:?", id);

        if (!old || !unknown)
                return strings_take(bandwidths, unknown);
        free(*old);
        *old = unknown;
        return 0;
}

static void need_bandwidth(Needs *n, const char *id)
{
        _cleanup_(freep) char *name = fd_name_bandwidth(id);

        if (!name || note_unknown(&n->reload->context.options->life.bandwidths, id) < 0)
                n->status = -ENOMEM;
        else
                need(name, n);
}

/* For each that is in one list, and not as it is in the other. */
static void need_bandwidths(Needs *n)
{
        const Strings *was = &n->reload->context.options->life.bandwidths,
                      *is = &n->reload->options.life.bandwidths;

        for (size_t i = 0; i < is->count && n->status >= 0; i++) {
                _cleanup_(freep) char *id = strndup(is->items[i], strcspn(is->items[i], ":"));

                if (id && !strings_have(was, is->items[i]) && stays(n->reload, id))
                        need_bandwidth(n, id);
        }
        for (size_t i = 0; i < was->count && n->status >= 0; i++) {
                _cleanup_(freep) char *id = strndup(was->items[i], strcspn(was->items[i], ":"));

                if (id && !find_bandwidth(is, id) && stays(n->reload, id))
                        need_bandwidth(n, id);
        }
}

static void open_parts(Reload *r)
{
        const HelperMessage open = { .kind = HELPER_PREPARE };
        Needs needs = { .reload = r };

        changes_each_descriptor(&r->difference, &r->line, &r->options, need, &needs);
        need_bandwidths(&needs);
        if (needs.status >= 0 && needs.asked > 0)
                needs.status = errand_send(r->helper, &open, sizeof(open), -EBADF);
        if (needs.status < 0) {
                log_errno(LOG_ERR, needs.status, "Failed to ask the helper for what the guest needs");
                reload_abandon(r);
        } else if (needs.asked > 0)
                r->phase = RELOAD_OPENING;
        else
                reload_change(r);
}

static bool host_has_network(void)
{
        _cleanup_(closep) int netlink = -EBADF;

        return netlink_open(&netlink) >= 0 && route_has_default(netlink) > 0;
}

static void keep_boot_vcpus(Reload *r)
{
        for (size_t i = 0; i < r->difference.count; i++) {
                Change *change = &r->difference.items[i];

                if (change->kind == CHANGE_VCPUS &&
                    processors_count(change->is->text) < r->machine.boot_vcpus)
                        change->kind = CHANGE_RESTART;
        }
}

static int read_definition(Reload *r)
{
        int result;

        if (r->arguments.count < 3 || !streq(r->arguments.items[1], "run")) {
                log_error("The guest's definition is refused now; see systemctl cat, or vmctl check.");
                return -EINVAL;
        }
        result = run_options_read(&r->options, (int) r->arguments.count - 1, r->arguments.items + 1);
        if (result < 0)
                return result;
        if (!streq(r->options.uuid, r->context.options->uuid)) {
                log_error("The unit is another guest's now, with the UUID %s.", r->options.uuid);
                return -EINVAL;
        }
        result = command_line_read(&r->options, r->options.argv, &r->line);
        for (size_t i = 0; result >= 0 && i < r->line.count; i++)
                if (r->line.items[i].kind == QEMU_DEVICE &&
                    removals_have(r->removals, r->line.items[i].id)) {
                        log_error(
                                "Device %s is still to be removed, and the guest has not let go of it yet.",
                                r->line.items[i].id);
                        return -EBUSY;
                }
        if (result >= 0)
                result = difference_of(&r->machine.line, &r->line, &r->options, &r->host, &r->difference);
        return result < 0 ? log_errno(LOG_ERR, result, "Cannot read the guest's new command line") : 0;
}

static void on_definition(Reload *r)
{
        if (read_definition(r) < 0) {
                log_error("The guest runs on as it was.");
                reload_finish(r, EXIT_CONFIG);
                return;
        }
        keep_boot_vcpus(r);
        open_parts(r);
}

/* ——— the helper ——— */

/* NUL after each. */
static int take_arguments(Reload *r, int fd)
{
        _cleanup_(freep) char *data = malloc(ARGUMENTS_SIZE_MAX);
        size_t size, at = 0;
        int result;

        if (!data)
                return -ENOMEM;
        result = file_read_at(fd, data, ARGUMENTS_SIZE_MAX, 0, &size);
        if (result < 0)
                return result;
        if (size == 0 || data[size - 1] != '\0')
                return -EBADMSG;
        for (; result >= 0 && at < size; at += strlen(data + at) + 1)
                result = strings_add(&r->arguments, data + at);
        return result;
}

static int take_message(Reload *r, const HelperMessage *m, int fd)
{
        _cleanup_(closep) int owned = fd;

        if (m->kind == HELPER_STATUS)
                return 0;
        if (m->kind == HELPER_STORE && r->phase == RELOAD_ASKING)
                return take_arguments(r, owned);
        if (m->kind == HELPER_STORE && r->phase == RELOAD_OPENING && owned >= 0)
                return helper_take(&r->fds, m->text, TAKE_FD(owned));
        if (m->kind == HELPER_REMOVE && r->phase == RELOAD_OPENING)
                return 0;
        if (m->kind != HELPER_DONE || (r->phase != RELOAD_ASKING && r->phase != RELOAD_OPENING))
                return -EPROTO;
        if (m->exit_status != 0 && r->phase == RELOAD_OPENING) /* the helper said why */
                reload_abandon_with(r, m->exit_status);
        else if (m->exit_status != 0) {
                log_error("The guest runs on as it was.");
                reload_finish(r, m->exit_status);
        } else if (r->phase == RELOAD_ASKING)
                on_definition(r);
        else
                reload_change(r);
        return 0;
}

static int on_helper(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
        Reload *r = userdata;
        HelperMessage m;
        int given = -EBADF, result;

        result = errand_receive(fd, &m, sizeof(m), &given);
        if (result >= 0) {
                m.text[sizeof(m.text) - 1] = '\0';
                result = take_message(r, &m, given);
        }
        if (result >= 0)
                return 0;
        if (r->phase == RELOAD_CHANGING) { /* what was begun is finished, for nobody to hear of */
                r->answers = sd_event_source_disable_unref(r->answers);
                return 0;
        }
        log_errno(LOG_ERR, result, "The helper failed to tell the guest's definition");
        if (r->phase == RELOAD_OPENING)
                reload_abandon(r);
        else
                reload_finish(r, EXIT_OS);
        return 0;
}

static void tell_begin(void)
{
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        (void) sd_notifyf(
                0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                (unsigned long long) now.tv_sec * 1000000 + (unsigned long long) now.tv_nsec / 1000);
}

/* At the first reload, since most guests never have one. */
static int set_up(Reload *r)
{
        int result;

        if (r->removals)
                return 0;
        result = machine_begin(
                r->context.options, r->context.argv, r->context.images, r->context.directory, &r->machine);
        if (result >= 0)
                result =
                        removals_new(r->context.monitor, &r->machine, reload_removal_ended, r, &r->removals);
        return result;
}

void reload_begin(Reload *r)
{
        const RunOptions *o = r->context.options;
        int result;

        if (r->phase != RELOAD_IDLE) {
                r->again = true;
                return;
        }
        if (!o->helper)
                return; /* started by hand */
        r->begun++;
        if (r->tells)
                tell_begin();
        result = set_up(r);
        if (result < 0) {
                log_errno(LOG_ERR, result, "Cannot read QEMU's command line");
                reload_finish(r, EXIT_OS);
                return;
        }
        result = helper_call_reload(o->helper, &r->helper);
        if (result >= 0)
                result = sd_event_add_io(r->context.event, &r->answers, r->helper, EPOLLIN, on_helper, r);
        if (result < 0) {
                log_errno(LOG_ERR, result, "Cannot reach the guest's helper at %s", o->helper);
                reload_finish(r, EXIT_OS);
                return;
        }
        r->phase = RELOAD_ASKING;
        if (lifecycle_why_busy(r->context.life)) {
                log_error("Cannot change the guest now: %s.", lifecycle_why_busy(r->context.life));
                reload_finish(r, EXIT_OS);
        }
}

bool reload_is_under_way(const Reload *r)
{
        return r->phase != RELOAD_IDLE || (r->removals && removals_are_left(r->removals));
}

size_t reload_added_vcpus(const Reload *r, unsigned *ret_boot)
{
        *ret_boot = r->machine.boot_vcpus;
        return r->machine.vcpus.count;
}

const CommandLine *reload_line(Reload *r)
{
        return set_up(r) < 0 ? NULL : &r->machine.line;
}

int reload_disk_layers(Reload *r, const char *node, Layers *ret, const char **ret_device)
{
        const Option *image, *device = NULL;
        int result = set_up(r);

        if (result < 0)
                return result;
        for (size_t i = 0; !device && i < r->machine.line.count; i++)
                if (r->machine.line.items[i].kind == QEMU_DEVICE &&
                    streq_null(option_text(&r->machine.line.items[i], "drive"), node))
                        device = &r->machine.line.items[i];
        image = device ? difference_image_below(&r->machine.line, node) : NULL;
        if (!image)
                return -ENOENT;
        *ret_device = device->id;
        return machine_find_layers(&r->machine, image->id, ret);
}

void reload_event(Reload *r, const char *event, const json_t *data)
{
        if (event && r->removals)
                removals_event(r->removals, event, data);
}

const PendingChange *reload_pending(const Reload *r, size_t *ret_count)
{
        *ret_count = r ? r->n_pending : 0;
        return r ? r->pending : NULL;
}

int reload_new(const ReloadContext *context, Reload **ret)
{
        _cleanup_(reload_freep) Reload *r = calloc(1, sizeof(*r));

        if (!r)
                return log_out_of_memory();
        r->context = *context;
        r->helper = -EBADF;
        r->tells = getenv("MANAGERPID") != NULL; /* set by users' managers */
        r->host = (DifferenceHost){
                .network = host_has_network(),
                .peers = context->options->peers,
                .passt = passt_program(),
        };
        *ret = TAKE_PTR(r);
        return 0;
}

Reload *reload_free(Reload *r)
{
        if (!r)
                return NULL;
        if (r->context.monitor)
                monitor_forget(r->context.monitor, r);
        reload_reset(r);
        sd_event_source_disable_unref(r->late);
        while (r->waiters)
                reload_forget(r, r->waiters->userdata);
        removals_free(r->removals);
        machine_done(&r->machine);
        reload_drop_pending(r);
        free(r);
        return NULL;
}
