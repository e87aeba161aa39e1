/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Kills vm-launcher after one of its system calls: step VERB NUMBER COMMAND…
 *
 * While COMMAND runs, the first process that systemd starts with that verb of vm-launcher is traced, and the
 * processes that it forks, as long as they execute nothing else. All their system calls are counted, and
 * when the one with that number has returned, the first process gets SIGKILL; so does the child, if it made
 * that call. With the number 0 nothing is killed. A pid in place of the verb is a process that runs already,
 * whose next call is the first.
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
        int64_t call; /* that it is in; -1 if that is not known, and not its own */
} Process;

static Process processes[PROCESSES_MAX];
static size_t n_processes;

static const char *verb;
static unsigned long number, count;
static pid_t target, command;
static int64_t killed_after = -1;

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
        processes[n_processes] = (Process){ .pid = pid, .role = role, .call = -1 };
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
        if (!target && verb && executes_launcher(p->pid, verb)) {
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
        if (info.op != PTRACE_SYSCALL_INFO_EXIT || p->call < 0 || killed_after >= 0)
                return;
        count++;
        if (count == number) {
                killed_after = p->call;
                (void) kill(p->pid, SIGKILL);
                (void) kill(target, SIGKILL);
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
                if (pid == command) {
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

int main(int argc, char **argv)
{
        unsigned n, pid;
        int result;

        if (argc < 4 || text_to_unsigned(argv[2], UINT32_MAX, &n) < 0) {
                fprintf(stderr, "Usage: step VERB|PID NUMBER COMMAND…\n");
                return EXIT_FAILURE;
        }
        number = n;
        if (text_to_unsigned(argv[1], INT32_MAX, &pid) >= 0) {
                target = (pid_t) pid;
                if (!seize(target, ROLE_COUNTED) || ptrace(PTRACE_INTERRUPT, target, NULL, NULL) < 0)
                        return EXIT_FAILURE;
        } else {
                verb = argv[1];
                if (!seize(1, ROLE_STARTER))
                        return EXIT_FAILURE;
        }
        command = fork();
        if (command == 0) {
                (void) execvp(argv[3], argv + 3);
                _exit(127);
        }
        result = trace(!verb || !streq(verb, "run"));
        if (killed_after >= 0) {
                _cleanup_(freep) char *name =
                        seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int) killed_after);

                printf("%lu %s\n", count, name ?: "?");
        } else
                printf("%lu -\n", count);
        return result;
}
