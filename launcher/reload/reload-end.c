/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a reload ends, whoever began it: what was only for it goes, and whoever waits for it is told. The
 * helper is told last what the guest does not have any more, since it removes what does not vanish by
 * itself.
 */

#include "launcher/reload/reload-private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "contract/exit.h"
#include "contract/fd-name.h"
#include "launcher/errand/errand-agent.h"
#include "launcher/helper/helper.h"
#include "launcher/store/fd-store.h"
#include "launcher/store/images.h"
#include "log/log.h"

/* ——— who waits ——— */

/* Whoever is told may ask for the next one. */
static void tell_waiters(Reload *r, unsigned reload, int exit_status)
{
        ReloadWaiter **at = &r->waiters;

        while (*at) {
                ReloadWaiter waiter = **at;

                if (waiter.reload != reload) {
                        at = &(*at)->next;
                        continue;
                }
                free(*at);
                *at = waiter.next;
                waiter.done(exit_status, waiter.userdata);
                at = &r->waiters;
        }
}

void reload_forget(Reload *r, const void *userdata)
{
        ReloadWaiter **at = &r->waiters;

        while (*at) {
                ReloadWaiter *waiter = *at;

                if (waiter->userdata == userdata) {
                        *at = waiter->next;
                        free(waiter);
                } else
                        at = &waiter->next;
        }
}

int reload_request(Reload *r, ReloadDone done, void *userdata)
{
        ReloadWaiter *waiter;

        if (!r->context.options->helper)
                return -EOPNOTSUPP;
        waiter = calloc(1, sizeof(*waiter));
        if (!waiter)
                return -ENOMEM;
        *waiter = (ReloadWaiter){ r->begun + 1, done, userdata, r->waiters };
        r->waiters = waiter;
        reload_begin(r);
        return 0;
}

/* ——— the end ——— */

static bool knows_image(const char *name, const void *machine)
{
        return machine_knows_image(machine, name);
}

/* The file of a disk that was removed is closed, too: its file system may be next to go. */
static void forget_gone(Reload *r)
{
        const CommandLine *gone = &r->machine.gone;

        for (size_t i = 0; i < gone->count; i++)
                if (gone->items[i].kind == QEMU_NETDEV)
                        passts_forget(r->context.passts, gone->items[i].id);
        machine_forget_gone(&r->machine);
        if (r->removals)
                images_forget(r->context.images, knows_image, &r->machine);
}

void reload_reset(Reload *r)
{
        script_free(r->script);
        r->script = NULL;
        difference_done(&r->difference);
        layer_changes_done(&r->layers);
        forget_gone(r);
        command_line_done(&r->line);
        run_options_done(&r->options);
        r->options = (RunOptions){ 0 };
        strings_done(&r->arguments);
        fds_done(&r->fds);
        r->fds = (Fds){ 0 };
        json_decref(r->vacant);
        r->vacant = NULL;
        json_decref(r->jobs);
        r->jobs = NULL;
        r->answers = sd_event_source_disable_unref(r->answers);
        r->helper = fd_close(r->helper);
        r->phase = RELOAD_IDLE;
}

void reload_finish(Reload *r, int exit_status)
{
        bool again = r->again;

        if (r->helper >= 0) {
                fds_done(&r->fds); /* what was not used must be closed before it is removed */
                r->fds = (Fds){ 0 };
                helper_end_reload(r->helper, &r->machine.released, exit_status);
                strings_done(&r->machine.released);
        }
        if (r->tells)
                (void) sd_notify(0, "READY=1");
        reload_reset(r);
        r->again = false;
        tell_waiters(r, r->begun, exit_status);
        if (again)
                reload_begin(r);
}

bool reload_makes_socket(const Reload *r, const char *name)
{
        for (size_t i = 0; i < r->options.sockets.count; i++)
                if (streq(r->options.sockets.items[i].name, name))
                        return true;
        return false;
}

static void remove_socket(const Reload *r, const char *name)
{
        _cleanup_(freep) char *path = text_format("%s/%s", r->context.directory, name);

        if (path)
                (void) unlink(path);
}

static void give_up(Reload *r, const char *name)
{
        (void) store_tell(name, -EBADF, NULL);
        if (fd_name_is_tap(name))
                (void) strings_add(&r->machine.released, name);
}

void reload_abandon_with(Reload *r, int exit_status)
{
        MachineParts parts;
        Changes c = reload_changes(r, &parts);
        LayerContext layers = reload_layers(r, &parts);

        layers_forget(&layers, &r->layers);
        changes_forget(&c);
        removals_drop(r->removals);
        for (size_t i = 0; i < r->fds.count; i++)
                if (reload_makes_socket(r, r->fds.items[i].name))
                        remove_socket(r, r->fds.items[i].name);
                else if (r->fds.items[i].stored)
                        give_up(r, r->fds.items[i].name);
        log_error("The guest runs on as it was.");
        reload_finish(r, exit_status);
}

void reload_abandon(Reload *r)
{
        reload_abandon_with(r, EXIT_OS);
}

/* ——— devices that went later ——— */

static void release_late(Reload *r);

/* More may have gone meanwhile. */
static int on_released(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
        _cleanup_(closep) int unwanted = -EBADF;
        HelperMessage ignored;
        Reload *r = userdata;

        if (errand_receive(fd, &ignored, sizeof(ignored), &unwanted) >= 0)
                return 0;
        r->late = sd_event_source_disable_unref(r->late);
        if (r->phase == RELOAD_IDLE && r->machine.released.count > 0)
                release_late(r);
        return 0;
}

/* The helper reads no request before it has sent the guest's definition. If it cannot be reached, the next
 * reload tells it, or cleanup does without. */
static void release_late(Reload *r)
{
        int helper;

        if (r->late || !r->context.options->helper ||
            helper_call_reload(r->context.options->helper, &helper) < 0)
                return;
        if (sd_event_add_io(r->context.event, &r->late, helper, EPOLLIN, on_released, r) < 0) {
                (void) fd_close(helper);
                return;
        }
        (void) sd_event_source_set_io_fd_own(r->late, true);
        helper_end_reload(helper, &r->machine.released, 0);
        strings_done(&r->machine.released);
}

void reload_removal_ended(void *userdata)
{
        Reload *r = userdata;

        if (r->phase != RELOAD_IDLE)
                return;
        forget_gone(r);
        if (r->machine.released.count > 0)
                release_late(r);
}
