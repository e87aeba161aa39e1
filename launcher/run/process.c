/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starts QEMU, a plain child. PR_SET_PDEATHSIG makes the kernel kill it when the launcher dies: with
 * KillMode=mixed, systemd would kill it a moment later only, and until then a second QEMU could be started
 * on the same disk.
 *
 * QEMU inherits the unit's sandbox and user, but only the descriptors on its command line, and none of the
 * launcher's variables: QEMU must not be able to tell systemd that the guest is well. The last steps before
 * exec are a lower limit on descriptors, and a filter that keeps QEMU from creating namespaces, from sending
 * signals to other processes of its user, from speaking to local services by datagrams, and from connecting
 * to anything if its guest's XML does not require that.
 */

#include "launcher/run/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/landlock.h"
#include "contract/limits.h"
#include "launcher/rights/call-filter.h"
#include "launcher/rights/private-network.h"
#include "log/log.h"
#include "util/text.h"

static const char *const launchers_own[] = {
        "NOTIFY_SOCKET",  "WATCHDOG_PID",   "WATCHDOG_USEC", "LISTEN_PID",    "LISTEN_FDS",
        "LISTEN_FDNAMES", "JOURNAL_STREAM", "MAINPID",       "INVOCATION_ID", "SYSTEMD_EXEC_PID",
};

/*
 * "systemctl kill" and "machinectl kill" send their signals to all processes of the unit. To the launcher
 * they are a press of the guest's power button; QEMU and passt would end. They are started with these
 * signals blocked, and neither unblocks them.
 */
static const int kept_away[] = { SIGTERM, SIGINT, SIGHUP };

static int reset_signals(void)
{
        sigset_t mask;

        for (int s = 1; s < NSIG; s++)
                if (s != SIGKILL && s != SIGSTOP)
                        (void) signal(s, SIG_DFL);
        sigemptyset(&mask);
        for (size_t i = 0; i < ELEMENTS(kept_away); i++)
                sigaddset(&mask, kept_away[i]);
        return sigprocmask(SIG_SETMASK, &mask, NULL) < 0 ? -errno : 0;
}

static int place_standard(int null, int output)
{
        if (dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
            dup2(output, STDERR_FILENO) < 0)
                return -errno;
        return 0;
}

typedef struct Spawn {
        char *const *argv;
        Placement *placements;
        size_t count;
        int null, output;
        ProcessFlags flags;
} Spawn;

/*
 * The kernel counts descriptors that are on their way through sockets, for a user, against the limit of the
 * process that sends. So a QEMU that leaves many there can reach its own limit, but not that of a QEMU which
 * has to send some, nor the launchers' of the same user, whose limit is the highest.
 */
static int limit_descriptors(ProcessFlags flags)
{
        const rlim_t most = flags & PROCESS_PEERS ? QEMU_DESCRIPTORS_MAX : QEMU_ALONE_DESCRIPTORS_MAX;
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return -errno;
        if (limit.rlim_max <= most)
                return 0;
        limit.rlim_cur = limit.rlim_max = most;
        return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static int filter_calls(ProcessFlags flags)
{
        CallFilter filter = CALL_FILTER_SIGNALS | CALL_FILTER_NAMESPACES | CALL_FILTER_SERVICES;

        if (!(flags & PROCESS_PEERS))
                filter |= CALL_FILTER_PEERS;
        return call_filter_install(filter);
}

/* As far as the kernel can. */
static int hide_processes(void)
{
        int r = landlock_hide_processes();

        return r == -EOPNOTSUPP ? 0 : r;
}

/* Returns only when it fails. */
static int child(pid_t parent, const Spawn *s)
{
        int r = 0;

        if (s->flags & PROCESS_PRIVATE_NETWORK)
                r = private_network_enter();
        if (r < 0)
                return r;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        if (getppid() != parent)
                return -ESRCH;
        for (size_t i = 0; i < ELEMENTS(launchers_own); i++)
                (void) unsetenv(launchers_own[i]);
        r = place_standard(s->null, s->output);
        if (r >= 0)
                r = fds_place(s->placements, s->count);
        if (r >= 0)
                r = reset_signals();
        if (r >= 0)
                r = limit_descriptors(s->flags);
        if (r >= 0 && !(s->flags & PROCESS_SHUTS_ITSELF_IN))
                r = hide_processes();
        if (r >= 0 && !(s->flags & PROCESS_SHUTS_ITSELF_IN))
                r = filter_calls(s->flags);
        if (r < 0)
                return r;
        (void) execv(s->argv[0], s->argv);
        return -errno;
}

/*
 * The pipe to the parent is told the errno, and vanishes at the exec. It is one more thing that has to be
 * out of the way of the targets.
 */
static _noreturn_ void child_or_report(pid_t parent, const Spawn *s, int report)
{
        int above = STDERR_FILENO, moved, r;

        for (size_t i = 0; i < s->count; i++)
                above = s->placements[i].to > above ? s->placements[i].to : above;
        moved = fcntl(report, F_DUPFD_CLOEXEC, above + 1);
        r = moved < 0 ? -errno : child(parent, s);
        (void) !write(moved < 0 ? report : moved, &r, sizeof(r));
        _exit(127);
}

static void raise_descriptor_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
}

int process_spawn(
        char *const *argv, Placement *placements, size_t count, int output, ProcessFlags flags, pid_t *ret)
{
        _cleanup_(closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC), report_in = -1,
                              report_out = -1;
        pid_t parent = getpid(), pid;
        int pipe_fds[2], error;
        ssize_t n;

        raise_descriptor_limit();
        if (null < 0)
                return log_errno(LOG_ERR, -errno, "Cannot open /dev/null");
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to create a pipe");
        report_in = pipe_fds[0];
        report_out = pipe_fds[1];
        pid = fork();
        if (pid < 0)
                return log_errno(LOG_ERR, -errno, "Failed to fork");
        if (pid == 0)
                child_or_report(
                        parent, &(Spawn){ argv, placements, count, null, output, flags }, report_out);
        report_out = fd_close(report_out);
        do
                n = read(report_in, &error, sizeof(error));
        while (n < 0 && errno == EINTR);
        if (n == 0) {
                *ret = pid;
                return 0;
        }
        (void) waitpid(pid, NULL, 0);
        return log_errno(LOG_ERR, n == sizeof(error) ? error : -EIO, "Cannot start %s", argv[0]);
}

int process_open(pid_t pid)
{
        _cleanup_(freep) char *path = text_format("/proc/%d", (int) pid);
        int fd = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

        return fd < 0 ? -EBADF : fd;
}

char *process_describe_end(int code, int status)
{
        const char *name;

        if (code == CLD_EXITED)
                return text_format("exited with status %d", status);
        name = sigabbrev_np(status);
        return text_format(
                "was killed by signal %s%s%s", name ? "SIG" : "", name ?: "", name ? "" : "(unknown)");
}
