/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vm-launcher run` is the main process of a guest's unit: it starts QEMU, is its only monitor client, and
 * stays until QEMU exits. Like QEMU, it runs as the guest's user in the unit's sandbox, without any
 * capability.
 *
 * A compromised QEMU would still gain from taking over the launcher: the system calls that QEMU's own filter
 * forbids, messages that systemd accepts, and the guest's helper. Both have the same user, so the
 * kernel would let QEMU write the launcher's memory through /proc. The launcher therefore makes itself not
 * dumpable before it starts QEMU; then /proc belongs to root.
 *
 * It is one thread around one event loop and never waits for QEMU or for an attached client. lifecycle.c
 * decides what happens; this file puts the parts together.
 *
 * Trusted: the arguments (from the unit), the environment and the descriptors (from systemd). Not trusted:
 * anything from QEMU.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "contract/exit.h"
#include "contract/limits.h"
#include "contract/message-ids.h"
#include "launcher/attach/console.h"
#include "launcher/attach/screen.h"
#include "launcher/control/control.h"
#include "launcher/errand/guest-user.h"
#include "launcher/helper/helper.h"
#include "launcher/lifecycle/events.h"
#include "launcher/lifecycle/lifecycle.h"
#include "launcher/monitor/agent.h"
#include "launcher/monitor/monitor.h"
#include "launcher/qemu/display.h"
#include "launcher/qemu/explain.h"
#include "launcher/qemu/qemu-start.h"
#include "launcher/qemu/requirements.h"
#include "launcher/reload/reload.h"
#include "launcher/rights/confine.h"
#include "launcher/run/passt.h"
#include "launcher/run/process.h"
#include "launcher/run/qemu-output.h"
#include "launcher/run/run-options.h"
#include "launcher/run/state-owner.h"
#include "launcher/saved/restore.h"
#include "launcher/saved/save.h"
#include "launcher/store/directories.h"
#include "launcher/store/fds.h"
#include "launcher/store/images.h"
#include "launcher/store/prepared.h"
#include "launcher/verb/verbs.h"
#include "log/log.h"

typedef struct Run {
        RunOptions options;
        Directories directories;
        sd_event *event;
        Lifecycle *life;
        Monitor *monitor;
        Agent *agent; /* NULL if the launcher does not serve the guest's */
        Reload *reload;
        Images images;
        int saved_directory; /* the state directory; -EBADF if there is none */
        Save *save;
        Restore *restore; /* NULL if the guest begins afresh */
        Control *control;
        Console **consoles;
        Passts *passts;
        Screen *screen;
        QemuOutput *output;
        int helper; /* the connection, from its preparation to registration; -EBADF if started by hand */
        Registration *registration;
        pid_t qemu;       /* 0 when it is gone */
        int qemu_in_proc; /* keeps /proc/self open for QEMU, see confine/landlock.h */
        uint64_t watchdog_usec;
        RateLimit console_limit, event_limit;
} Run;

static void run_done(Run *run)
{
        for (size_t i = 0; run->consoles && i < run->options.consoles.count; i++)
                console_free(run->consoles[i]);
        free(run->consoles);
        screen_free(run->screen);
        control_free(run->control);
        registration_free(run->registration);
        (void) fd_close(run->helper);
        (void) fd_close(run->qemu_in_proc);
        save_free(run->save);
        restore_free(run->restore);
        reload_free(run->reload);
        passts_free(run->passts);
        lifecycle_free(run->life);
        agent_free(run->agent);
        monitor_free(run->monitor);
        qemu_output_free(run->output);
        sd_event_unref(run->event);
        images_done(&run->images);
        (void) fd_close(run->saved_directory);
        directories_done(&run->directories);
        run_options_done(&run->options);
}

/* ——— the monitor ——— */

static uint64_t find_stop_timeout(const Run *run)
{
        _cleanup_(prepared_done) Prepared prepared = { 0 };

        if (!run->directories.run || prepared_load(run->directories.run, &prepared) < 0)
                return 0;
        return prepared.stop_usec;
}

static void on_registered(void *userdata)
{
        Run *run = userdata;

        lifecycle_registered(run->life);
}

static void on_monitor_ready(void *userdata)
{
        Run *run = userdata;

        run->options.life.stop_usec = find_stop_timeout(run);
        if (run->helper < 0 ||
            registration_new(run->event, TAKE_FD(run->helper), on_registered, run, &run->registration) < 0)
                lifecycle_registered(run->life);
        lifecycle_begin(run->life, run->monitor, run->qemu);
}

static void on_monitor_event(const json_t *event, void *userdata)
{
        _cleanup_(event_report_done) EventReport report = { 0 };
        Run *run = userdata;
        uint64_t now = 0;
        unsigned missed;

        control_event(run->control, event);
        reload_event(
                run->reload, json_string_value(json_object_get(event, "event")),
                json_object_get(event, "data"));
        if (event_translate(
                    event, &(EventContext){ run->options.guest, &run->options.life.disks }, &report) < 0)
                return;
        (void) sd_event_now(run->event, CLOCK_MONOTONIC, &now);
        missed = rate_limit_take_suppressed(&run->event_limit, now);
        if (missed > 0)
                log_entry(
                        LOG_WARNING, MESSAGE_ID_SUPPRESSED, NULL, "Suppressed %u events of the guest.",
                        missed);
        if (!report.quiet && !lifecycle_expects(run->life, &report) &&
            rate_limit_pass(&run->event_limit, now, 0))
                log_entry(report.priority, report.message_id, report.fields.items, "%s", report.text);
        if (!report.quiet)
                control_publish(run->control, report.name, json_object_get(event, "data"));
        lifecycle_event(run->life, &report);
}

static void on_monitor_closed(int error, void *userdata)
{
        Run *run = userdata;

        save_monitor_closed(run->save);
        if (run->restore)
                restore_monitor_closed(run->restore);
        lifecycle_monitor_closed(run->life, error);
        control_monitor_closed(run->control);
}

static const MonitorHandlers monitor_handlers = {
        .ready = on_monitor_ready,
        .event = on_monitor_event,
        .closed = on_monitor_closed,
};

/* ——— the service watchdog: fed while QEMU answers ——— */

static void on_ping_answered(const json_t *result, const char *error, void *userdata)
{
        if (result)
                (void) sd_notify(0, "WATCHDOG=1");
}

static int on_watchdog(sd_event_source *s, uint64_t usec, void *userdata)
{
        Run *run = userdata;

        if (lifecycle_is_ending(run->life))
                (void) sd_notify(0, "WATCHDOG=1");
        else
                (void) monitor_execute(
                        run->monitor, "query-status", NULL, on_ping_answered, run, run->watchdog_usec);
        (void) sd_event_source_set_time_relative(s, run->watchdog_usec / 2);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

static int start_watchdog(Run *run)
{
        if (sd_watchdog_enabled(0, &run->watchdog_usec) <= 0)
                return 0;
        return sd_event_add_time_relative(
                run->event, NULL, CLOCK_MONOTONIC, run->watchdog_usec / 2, 0, on_watchdog, run);
}

/* ——— the life of the guest ——— */

static void on_kill(int signal, void *userdata)
{
        Run *run = userdata;

        if (run->qemu > 0)
                (void) kill(run->qemu, signal);
}

static void on_finished(int exit_status, void *userdata)
{
        Run *run = userdata;

        (void) sd_event_exit(run->event, exit_status);
}

static char *on_explain(int *ret_exit, void *userdata)
{
        Run *run = userdata;

        const char *said = qemu_output_finish(run->output);
        char *why = explain_failure(&run->options, said, ret_exit);

        if (why || !run->restore)
                return why;
        *ret_exit = EXIT_MISSING;
        return restore_explain(run->restore, said);
}

static int on_confine(void *userdata)
{
        Run *run = userdata;
        int r;
        const int directories[] = { run->directories.run_fd, run->directories.state_fd };
        _cleanup_(freep) pid_t *children = calloc(run->options.passts.count + 1, sizeof(*children));
        size_t n = 0;

        if (!children)
                return log_out_of_memory();
        r = screen_new(
                run->event, run->monitor, run->directories.run, run->options.vnc, run->options.spice,
                &run->screen);
        if (r < 0)
                return r;
        if (run->qemu > 0)
                children[n++] = run->qemu;
        n += passts_pids(run->passts, children + n);
        return confine_launcher(children, n, directories, ELEMENTS(directories));
}

static bool on_restore(void *userdata)
{
        Run *run = userdata;

        if (run->restore)
                restore_begin(run->restore, run->event, run->monitor, run->life);
        return run->restore;
}

/* Half of the time that systemd gives the unit; the other half is for a power-down if it does not suffice.
 */
static bool on_save(void *userdata)
{
        uint64_t limit = find_stop_timeout(userdata);
        Run *run = userdata;
        const char *why;

        if (!save_is_under_way(run->save)) {
                why = save_begin(run->save, NULL, NULL);
                if (why) {
                        log_warning("Cannot save the guest (%s); powering it down.", why);
                        return false;
                }
        } else if (run->options.life.save_on_stop)
                save_keep(run->save);
        if (limit > 0 && limit != UINT64_MAX)
                save_limit(run->save, limit / 2);
        return true;
}

static const LifecycleHandlers lifecycle_handlers = {
        .restore = on_restore,
        .save = on_save,
        .confine = on_confine,
        .kill = on_kill,
        .finished = on_finished,
        .explain = on_explain,
};

static int on_child(sd_event_source *s, const siginfo_t *info, void *userdata)
{
        Run *run = userdata;

        run->qemu = 0;
        for (size_t i = 0; i < run->options.consoles.count; i++)
                console_drain(run->consoles[i]);
        lifecycle_qemu_ended(run->life, info->si_code, info->si_status);
        return 0;
}

static void on_passt_ended(const char *id, const char *how, void *userdata)
{
        Run *run = userdata;

        if (run->qemu > 0)
                lifecycle_network_lost(run->life, id, how);
}

/* ——— signals ——— */

static const struct {
        int number;
        Request request;
} signals[] = {
        { SIGTERM, REQUEST_STOP }, { SIGINT, REQUEST_REBOOT }, /* machinectl reboot */
        { SIGHUP, REQUEST_NONE },                              /* a reload */
        { SIGUSR1, REQUEST_NONE }, { SIGUSR2, REQUEST_NONE },
};

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *info, void *userdata)
{
        Request request = REQUEST_NONE;
        Run *run = userdata;

        for (size_t i = 0; i < ELEMENTS(signals); i++)
                if ((int) info->ssi_signo == signals[i].number)
                        request = signals[i].request;
        if ((int) info->ssi_signo == SIGRTMIN + 4) /* machinectl poweroff; not a constant */
                request = REQUEST_POWER_OFF;
        if (info->ssi_signo == SIGHUP && run->reload)
                reload_begin(run->reload);
        if (request != REQUEST_NONE && lifecycle_request(run->life, request) < 0)
                log_notice("Ignoring signal %u: the guest cannot react now.", info->ssi_signo);
        return 0;
}

/* Before QEMU is there, so that no signal is lost; QEMU gets its own mask. */
static int catch_signals(Run *run)
{
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        sigaddset(&mask, SIGRTMIN + 4);
        for (size_t i = 0; i < ELEMENTS(signals); i++)
                sigaddset(&mask, signals[i].number);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        (void) signal(SIGPIPE, SIG_IGN);
        r = sd_event_add_signal(run->event, NULL, SIGRTMIN + 4, on_signal, run);
        for (size_t i = 0; r >= 0 && i < ELEMENTS(signals); i++)
                r = sd_event_add_signal(run->event, NULL, signals[i].number, on_signal, run);
        return r;
}

/* ——— all of it together ——— */

static int start_consoles(Run *run, QemuStart *h)
{
        run->consoles = calloc(run->options.consoles.count + 1, sizeof(*run->consoles));
        if (!run->consoles)
                return log_out_of_memory();
        for (size_t i = 0; i < run->options.consoles.count; i++) {
                const char *label = run->options.consoles.items[i].name;
                int r;

                r = console_new(
                        run->event, label, TAKE_FD(h->consoles[i]), run->directories.run,
                        &run->console_limit, &run->consoles[i]);
                if (r < 0)
                        return log_errno(LOG_ERR, r, "Failed to set up console %s", label);
        }
        return 0;
}

static int start_agent(Run *run)
{
        bool served = false;
        int r;

        for (size_t i = 0; i < run->options.sockets.count; i++)
                served = served || streq(run->options.sockets.items[i].name, AGENT_SOCKET);
        if (!served || !run->directories.run)
                return 0;
        r = agent_new(run->event, run->directories.run, &run->agent);
        if (r >= 0)
                lifecycle_set_agent(run->life, run->agent);
        return r;
}

static int start_qemu(Run *run, QemuStart *h)
{
        _cleanup_(closep) int output = -EBADF;
        sd_event_source *source;
        int r;

        r = qemu_output_new(run->event, &run->console_limit, &run->output, &output);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to create a pipe for QEMU's output");
        r = process_spawn(
                h->argv.items, h->placements, h->count, output,
                (h->private_network ? PROCESS_PRIVATE_NETWORK : 0) |
                        (run->options.peers ? PROCESS_PEERS : 0),
                &run->qemu);
        if (r < 0)
                return r;
        run->qemu_in_proc = process_open(run->qemu);
        qemu_start_given(h);
        r = sd_event_add_child(run->event, &source, run->qemu, WEXITED, on_child, run);
        if (r < 0)
                return r;

        /* after all else: what QEMU said last is read before its end is looked at */
        (void) sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
        r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return r;
}

/* Before its helper prepares anything for it. */
static int claim_state(const Run *run)
{
        _cleanup_(freep) char *shown = guest_state_directory(run->options.guest);

        return run->directories.state ? state_claim(run->directories.state, shown ?: "", run->options.uuid)
                                      : 0;
}

static int call_helper(Run *run, Fds *store)
{
        const HelperCall call = { run->options.helper, run->options.guest, run->options.definition };
        int r;

        r = helper_open(&call, store, &run->helper);
        if (r == 0)
                r = directories_take(store, &run->directories);
        if (r == 0)
                r = claim_state(run);
        return r == 0 ? helper_prepare(&call, run->helper, store) : r;
}

/* The helper may wait for a bridge, and there is no guest yet that a stop would have to power off. */
static int call_helper_until_stopped(Run *run, Fds *store)
{
        sigset_t stop;
        int r;

        sigemptyset(&stop);
        sigaddset(&stop, SIGTERM);
        if (sigprocmask(SIG_UNBLOCK, &stop, NULL) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to change the signal mask");
        r = call_helper(run, store);
        return sigprocmask(SIG_BLOCK, &stop, NULL) < 0
                       ? log_errno(LOG_ERR, -errno, "Failed to change the signal mask")
                       : r;
}

/* Whether the guest was saved, and what of its disks is compared when it is saved or restored. */
static int find_saved(Run *run, const Fds *store)
{
        int r = images_note(&run->images, store);

        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to note the guest's images");
        if (run->directories.state) {
                run->saved_directory = open(run->directories.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (run->saved_directory < 0)
                        return log_errno(LOG_ERR, -errno, "Cannot open the guest's state directory");
        }
        r = restore_find(run->saved_directory, &run->options, &run->images, &run->restore);
        if (run->restore)
                run->options.life.balloon = 0; /* it has the size that it had */
        return r;
}

/* 0, negative errno, or the exit status with which the helper refused the guest, and said why. */
static int prepare(Run *run, QemuStart *ret)
{
        _cleanup_(fds_donep) Fds store = { 0 };
        int r;

        r = run->options.display ? display_check() : 0;
        if (r < 0)
                return r;
        r = fds_take(&store);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to take the file descriptors passed by systemd");
        if (run->options.helper)
                r = call_helper_until_stopped(run, &store);
        else {
                directories_of_environment(run->options.guest, &run->directories);
                r = claim_state(run);
        }
        if (r != 0)
                return r;
        run->options.life.state_directory = run->directories.state;
        /* not before: what the helper refuses, it explains better */
        r = requirements_check(&run->options);
        if (r < 0)
                return r;
        r = find_saved(run, &store);
        if (r != 0)
                return r;
        r = qemu_start_prepare(ret, &run->options, run->directories.run, &store);
        run->options.peers = ret->peers;
        if (r >= 0 && run->restore)
                r = restore_complete(run->restore, &ret->argv);
        if (r != 0)
                return r;
        fds_tidy_store(&store);

        r = passts_start(
                run->event, &run->options.passts, ret->passts, run->directories.run, on_passt_ended, run,
                &run->passts);
        if (r < 0)
                return r;

        /* the descriptors have to live until QEMU has them */
        r = start_qemu(run, ret);
        return r < 0 ? r : 0;
}

/* As prepare() returns. */
static int set_up(Run *run, QemuStart *h)
{
        int r;

        r = sd_event_default(&run->event);
        if (r >= 0)
                r = catch_signals(run);
        if (r >= 0)
                r = lifecycle_new(run->event, &run->options.life, &lifecycle_handlers, run, &run->life);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to set up the event loop");
        r = prepare(run, h);
        if (r != 0)
                return r;
        r = start_consoles(run, h);
        if (r < 0)
                return r;
        r = monitor_new(run->event, TAKE_FD(h->monitor), &monitor_handlers, run, &run->monitor);
        if (r >= 0)
                r = start_agent(run);
        if (r >= 0)
                r = reload_new(
                        &(ReloadContext){ .event = run->event,
                                          .options = &run->options,
                                          .argv = h->argv.items,
                                          .images = &run->images,
                                          .passts = run->passts,
                                          .directory = run->directories.run,
                                          .monitor = run->monitor,
                                          .life = run->life },
                        &run->reload);
        if (r >= 0)
                r = save_new(
                        &(SaveContext){ run->event, run->monitor, run->life, run->reload, &run->options,
                                        &run->images, run->saved_directory },
                        &run->save);
        if (r >= 0 && run->directories.run)
                r = control_new(
                        &(ControlContext){ .event = run->event,
                                           .life = run->life,
                                           .agent = run->agent,
                                           .options = &run->options,
                                           .reload = run->reload,
                                           .save = run->save,
                                           .directory = run->directories.run },
                        &run->control);
        if (r >= 0)
                r = start_watchdog(run);
        return r < 0 ? log_errno(LOG_ERR, r, "Failed to set up the monitor and the control socket") : 0;
}

int verb_run(int argc, char **argv)
{
        _cleanup_(qemu_start_done) QemuStart start = { .monitor = -1 };
        _cleanup_(run_done) Run run = {
                .helper = -EBADF,
                .qemu_in_proc = -EBADF,
                .saved_directory = -EBADF,
                .directories = DIRECTORIES_EMPTY,
                .console_limit = { CONSOLE_RATE_SECONDS * MONITOR_SECOND, CONSOLE_RATE_LINES,
                                   CONSOLE_RATE_BYTES },
                .event_limit = { EVENT_RATE_SECONDS * MONITOR_SECOND, EVENT_RATE_EVENTS, SIZE_MAX },
        };
        int r;

        if (run_options_read(&run.options, argc, argv) < 0)
                return EXIT_BAD_USAGE;
        log_open(run.options.guest, run.options.uuid);
        if (prctl(PR_SET_DUMPABLE, 0) < 0) {
                log_errno(LOG_ERR, -errno, "Failed to protect the launcher's memory from QEMU");
                return EXIT_OS;
        }
        run.options.life.argv = run.options.argv;
        run.options.life.guest = run.options.guest;
        r = set_up(&run, &start);
        if (r != 0)
                return r > 0 ? r : r == -ENOENT ? EXIT_MISSING : EXIT_OS;
        r = sd_event_loop(run.event);
        return r < 0 ? EXIT_INTERNAL : r;
}
