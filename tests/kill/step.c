/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Kills a process after one of its system calls: step [OPTION]… VERB|PID|client NUMBER COMMAND…
 *
 * While COMMAND runs, the first process that systemd starts with that verb of vm-launcher is traced, and the
 * processes that it forks, as long as they execute nothing else. All their system calls are counted, and
 * when the one with that number has returned, the first process gets SIGKILL; so does the child, if it made
 * that call. With the number 0 nothing is killed. A pid in place of the verb is a process that runs already,
 * whose next call is the first; "client" is COMMAND itself.
 *
 * With --effects, only calls are counted that may have changed something outside of the process, or that
 * have taken in what another process did. After all others, a kill leaves what it leaves after the one
 * before.
 *
 * Prints "COUNT CALL": the number of calls, and the one after which the process was killed, or "-" if it
 * made fewer. Exits with the status of COMMAND.
 *
 * Process 1 is traced as well, for it is the one that starts units: only its forks matter, and what they
 * execute until it is vm-launcher, so no unit has to be changed for a trace, and its sandbox stays as it is.
 */

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/ownership.h"
#include "util/text.h"

#define PROCESSES_MAX 256
#define OPTIONS                                                                                \
        (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
         PTRACE_O_TRACESYSGOOD)
#define END_MILLISECONDS 5000 /* for the process to end after COMMAND */

typedef enum Role {
        ROLE_UNKNOWN, /* stopped before its parent's fork was reported */
        ROLE_STARTER, /* process 1, and what it forked */
        ROLE_COUNTED, /* its calls are counted */
} Role;

typedef struct Process {
        pid_t pid;
        Role role;
        bool waits;   /* stopped, until its role is known */
        bool counts;  /* the call */
        int64_t call; /* that it is in; -1 if that is not known, and not its own */
} Process;

static Process processes[PROCESSES_MAX];
static size_t n_processes;

static const char *verb;
static bool only_effects, is_client;
static unsigned long number, count;
static int victim_signal;
static pid_t target, command, victim;
static int64_t killed_after = -1;

/* What changes nothing but the process itself, whatever its arguments. The end of a process closes its
 * files. */
static const int without_effect[] = {
        SCMP_SYS(access),
        SCMP_SYS(arch_prctl),
        SCMP_SYS(brk),
        SCMP_SYS(capget),
        SCMP_SYS(capset),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_nanosleep),
        SCMP_SYS(close),
        SCMP_SYS(close_range),
        SCMP_SYS(dup),
        SCMP_SYS(dup2),
        SCMP_SYS(dup3),
        SCMP_SYS(epoll_create1),
        SCMP_SYS(epoll_ctl),
        SCMP_SYS(epoll_pwait),
        SCMP_SYS(epoll_pwait2),
        SCMP_SYS(epoll_wait),
        SCMP_SYS(eventfd2),
        SCMP_SYS(faccessat),
        SCMP_SYS(faccessat2),
        SCMP_SYS(fadvise64),
        SCMP_SYS(fchdir),
        SCMP_SYS(fgetxattr),
        SCMP_SYS(flistxattr),
        SCMP_SYS(fstat),
        SCMP_SYS(fstatfs),
        SCMP_SYS(futex),
        SCMP_SYS(getcwd),
        SCMP_SYS(getdents64),
        SCMP_SYS(getegid),
        SCMP_SYS(geteuid),
        SCMP_SYS(getgid),
        SCMP_SYS(getgroups),
        SCMP_SYS(getpeername),
        SCMP_SYS(getpid),
        SCMP_SYS(getppid),
        SCMP_SYS(getrandom),
        SCMP_SYS(getresgid),
        SCMP_SYS(getresuid),
        SCMP_SYS(getsockname),
        SCMP_SYS(getsockopt),
        SCMP_SYS(gettid),
        SCMP_SYS(getuid),
        SCMP_SYS(getxattr),
        SCMP_SYS(lseek),
        SCMP_SYS(lstat),
        SCMP_SYS(madvise),
        SCMP_SYS(mmap),
        SCMP_SYS(mprotect),
        SCMP_SYS(mremap),
        SCMP_SYS(munmap),
        SCMP_SYS(nanosleep),
        SCMP_SYS(newfstatat),
        SCMP_SYS(pidfd_open),
        SCMP_SYS(poll),
        SCMP_SYS(ppoll),
        SCMP_SYS(prctl),
        SCMP_SYS(pread64),
        SCMP_SYS(prlimit64),
        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(rseq),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(sched_getaffinity),
        SCMP_SYS(sched_yield),
        SCMP_SYS(seccomp),
        SCMP_SYS(set_robust_list),
        SCMP_SYS(set_tid_address),
        SCMP_SYS(setsockopt),
        SCMP_SYS(signalfd4),
        SCMP_SYS(sigaltstack),
        SCMP_SYS(socket),
        SCMP_SYS(socketpair),
        SCMP_SYS(stat),
        SCMP_SYS(statfs),
        SCMP_SYS(statx),
        SCMP_SYS(sysinfo),
        SCMP_SYS(timerfd_create),
        SCMP_SYS(timerfd_settime),
        SCMP_SYS(umask),
        SCMP_SYS(uname),
};

static bool opens_only(uint64_t flags)
{
        return !(flags & (O_CREAT | O_TRUNC)) && (flags & O_TMPFILE) != O_TMPFILE;
}

static bool is_file(pid_t pid, uint64_t fd)
{
        char path[64];
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, (int) fd);
        return stat(path, &st) >= 0 && S_ISREG(st.st_mode);
}

static bool has_effect(pid_t pid, int64_t call, const uint64_t *arguments)
{
        for (size_t i = 0; i < ELEMENTS(without_effect); i++)
                if (without_effect[i] == call)
                        return false;
        if (call == SCMP_SYS(openat))
                return !opens_only(arguments[2]);
        if (call == SCMP_SYS(open))
                return !opens_only(arguments[1]);
        if (call == SCMP_SYS(fcntl))
                return arguments[1] == F_SETFL || arguments[1] == F_SETLK || arguments[1] == F_SETLKW ||
                       arguments[1] == F_OFD_SETLK || arguments[1] == F_OFD_SETLKW;
        return call != SCMP_SYS(read) || !is_file(pid, arguments[0]);
}

static Process *find(pid_t pid)
{
        for (size_t i = 0; i < n_processes; i++)
                if (processes[i].pid == pid)
                        return &processes[i];
        return NULL;
}

static Process *add(pid_t pid, Role role)
{
        if (n_processes == PROCESSES_MAX) {
                fprintf(stderr, "step: too many processes\n");
                exit(EXIT_FAILURE);
        }
        processes[n_processes] = (Process){ .pid = pid, .role = role, .counts = true, .call = -1 };
        return &processes[n_processes++];
}

static void forget(pid_t pid)
{
        Process *p = find(pid);

        if (p)
                *p = processes[--n_processes];
}

/* A process that was killed meanwhile cannot be resumed; its end is reported later. */
static void resume(const Process *p, int signal)
{
        bool counts = p->role == ROLE_COUNTED && killed_after < 0;

        (void) ptrace(counts ? PTRACE_SYSCALL : PTRACE_CONT, p->pid, NULL, (void *) (intptr_t) signal);
}

static void let_go(pid_t pid)
{
        (void) ptrace(PTRACE_DETACH, pid, NULL, NULL);
        forget(pid);
}

/* Whether the process executes vm-launcher, with that verb unless it is NULL. */
static bool executes_launcher(pid_t pid, const char *wanted)
{
        char path[64], line[4096];
        _cleanup_(closep) int fd = -EBADF;
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
        if (n <= 0)
                return false;
        line[n] = '\0';
        return text_ends_with(line, "/vm-launcher") && (!wanted || streq(line + strlen(line) + 1, wanted));
}

static bool executes_systemd(pid_t pid)
{
        char path[64], target_path[256];
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%d/exe", pid);
        n = readlink(path, target_path, sizeof(target_path) - 1);
        if (n < 0)
                return false;
        target_path[n] = '\0';
        return text_ends_with(target_path, "/systemd-executor");
}

static void on_exec(Process *p)
{
        if (p->role == ROLE_COUNTED) {
                let_go(p->pid); /* QEMU, or another program */
                return;
        }
        if (!target && (is_client ? p->pid == command : verb && executes_launcher(p->pid, verb))) {
                target = p->pid;
                p->role = ROLE_COUNTED;
                p->call = SCMP_SYS(execve); /* the first one */
        } else if (!executes_systemd(p->pid)) {
                let_go(p->pid);
                return;
        }
        resume(p, 0);
}

static void on_fork(const Process *parent)
{
        unsigned long pid = 0;
        Role role = parent->role;
        Process *child;

        if (ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid) < 0)
                return;
        child = find((pid_t) pid) ?: add((pid_t) pid, ROLE_UNKNOWN);
        child->role = role;
        if (child->waits)
                resume(child, 0);
        child->waits = false;
}

static void on_call(Process *p)
{
        struct __ptrace_syscall_info info = { 0 };

        if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, (void *) sizeof(info), &info) < 0)
                return;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
                p->call = (int64_t) info.entry.nr;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY && only_effects) {
                uint64_t arguments[ELEMENTS(info.entry.args)];

                for (size_t i = 0; i < ELEMENTS(arguments); i++)
                        arguments[i] = info.entry.args[i];
                p->counts = has_effect(p->pid, p->call, arguments);
        }
        if (info.op != PTRACE_SYSCALL_INFO_EXIT || p->call < 0 || !p->counts || killed_after >= 0)
                return;
        count++;
        if (count == number) {
                killed_after = p->call;
                if (victim)
                        (void) kill(victim, victim_signal);
                else {
                        (void) kill(p->pid, SIGKILL);
                        (void) kill(target, SIGKILL);
                }
        }
        p->call = -1;
}

static void on_stop(pid_t pid, int status)
{
        Process *p = find(pid);
        int signal = WSTOPSIG(status), event = status >> 16;

        if (!p) {
                add(pid, ROLE_UNKNOWN)->waits = true;
                return;
        }
        switch (event) {
        case PTRACE_EVENT_FORK:
        case PTRACE_EVENT_VFORK:
        case PTRACE_EVENT_CLONE:
                on_fork(p);
                p = find(pid);
                break;
        case PTRACE_EVENT_EXEC:
                on_exec(p);
                return;
        case PTRACE_EVENT_STOP:
                if (signal != SIGTRAP) { /* as a whole, until SIGCONT */
                        (void) ptrace(PTRACE_LISTEN, pid, NULL, NULL);
                        return;
                }
                break;
        default:
                if (signal == (SIGTRAP | 0x80))
                        on_call(p);
                else {
                        resume(p, signal);
                        return;
                }
        }
        resume(p, 0);
}

static int64_t now_milliseconds(void)
{
        struct timespec t = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Returns the exit status of the command. */
static int trace(bool waits_for_end)
{
        bool ended = false;
        int result = EXIT_FAILURE;
        int64_t end = INT64_MAX;

        while (!ended || (waits_for_end && target && find(target) && now_milliseconds() < end)) {
                int status;
                pid_t pid = waitpid(-1, &status, __WALL | (ended ? WNOHANG : 0));

                if (pid == 0) {
                        (void) usleep(1000);
                        continue;
                }
                if (pid < 0 && errno != EINTR)
                        break;
                if (pid < 0)
                        continue;
                if (pid == command && !WIFSTOPPED(status)) {
                        forget(pid);
                        ended = true;
                        end = now_milliseconds() + END_MILLISECONDS;
                        result = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
                } else if (WIFSTOPPED(status))
                        on_stop(pid, status);
                else
                        forget(pid);
        }
        return result;
}

static bool seize(pid_t pid, Role role)
{
        if (ptrace(PTRACE_SEIZE, pid, NULL, (void *) OPTIONS) < 0) {
                fprintf(stderr, "step: cannot trace process %d: %s\n", pid, strerror(errno));
                return false;
        }
        add(pid, role);
        return true;
}

/* COMMAND waits until it is traced. */
static void run_command(char **argv)
{
        int ready[2];
        char c;

        if (pipe(ready) < 0)
                exit(EXIT_FAILURE);
        command = fork();
        if (command < 0)
                exit(EXIT_FAILURE);
        if (command == 0) {
                (void) close(ready[1]);
                if (read(ready[0], &c, 1) < 0)
                        _exit(EXIT_FAILURE);
                (void) close(ready[0]);
                (void) execvp(*argv, argv);
                _exit(127);
        }
        (void) close(ready[0]);
        if (is_client && !seize(command, ROLE_STARTER)) {
                (void) kill(command, SIGKILL);
                exit(EXIT_FAILURE);
        }
        (void) close(ready[1]);
}

static bool read_option(const char *option)
{
        const char *text = text_after(option, "--signal=");
        int pid;

        if (streq(option, "--effects"))
                return only_effects = true;
        if (!text || sscanf(text, "%d:%d", &victim_signal, &pid) != 2)
                return false;
        victim = pid;
        return true;
}

int main(int argc, char **argv)
{
        unsigned n, pid;
        int result;

        while (argc > 1 && read_option(argv[1])) {
                argc--;
                argv++;
        }
        if (argc < 4 || text_to_unsigned(argv[2], UINT32_MAX, &n) < 0) {
                fprintf(stderr,
                        "Usage: step [--effects] [--signal=SIGNAL:PID] VERB|PID|client NUMBER COMMAND…\n");
                return EXIT_FAILURE;
        }
        number = n;
        is_client = streq(argv[1], "client");
        if (text_to_unsigned(argv[1], INT32_MAX, &pid) >= 0) {
                target = (pid_t) pid;
                if (!seize(target, ROLE_COUNTED) || ptrace(PTRACE_INTERRUPT, target, NULL, NULL) < 0)
                        return EXIT_FAILURE;
        } else if (!is_client) {
                verb = argv[1];
                if (!seize(1, ROLE_STARTER))
                        return EXIT_FAILURE;
        }
        run_command(argv + 3);
        result = trace(!verb || !streq(verb, "run"));
        if (killed_after >= 0) {
                _cleanup_(freep) char *name =
                        seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int) killed_after);

                printf("%lu %s\n", count, name ?: "?");
        } else
                printf("%lu -\n", count);
        return result;
}
