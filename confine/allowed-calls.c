/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The units' SystemCallFilter= has to allow what systemd needs to start a process and what every program in
 * the unit needs, QEMU included. vmunit's own processes need much less: none of them executes a program once
 * it is set up, creates a namespace, traces or signals others, or uses System V IPC, keys and the scheduler.
 * So each installs a list of its own. What is not in it is refused, so that a new kernel adds nothing.
 *
 * Refused calls fail; they do not end the process. What can still be reached is the same, but a launcher
 * that is killed takes its guest with it, so a call that nobody thought of (by a plugin of the user
 * database, or by a new C library under a guest that runs) should be an error that is handled or logged.
 * That error is EPERM for calls that libseccomp knows, as with the units' SystemCallErrorNumber=, and ENOSYS
 * for those that it does not: the C library falls back to an older call after ENOSYS, but not after EPERM.
 * clone3() gets ENOSYS as well, because its flags are in memory, where a filter cannot read them.
 *
 * The tables name calls of all architectures; libseccomp ignores those that one does not have. Calls by the
 * numbers of another architecture are refused. A condition on an argument compares the lower 32 bits, since
 * the kernel ignores the others for the types that are compared here.
 */

#include "confine/allowed-calls.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/filter.h"
#include "util/ownership.h"

#define ALLOW SCMP_ACT_ALLOW

#define UNKNOWN_CALLS 64 /* from a kernel to those of the next years */

/* Old-style mmap() of this architecture has its arguments in memory. */
#ifdef __s390__
#define MMAP_HAS_ARGUMENTS false
#else
#define MMAP_HAS_ARGUMENTS true
#endif

#define NAMESPACE_FLAGS \
        ((uint32_t) (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS))

static const int basic[] = {
        /* memory */
        SCMP_SYS(brk),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(madvise),
        /* descriptors */
        SCMP_SYS(read),
        SCMP_SYS(readv),
        SCMP_SYS(pread64),
        SCMP_SYS(preadv),
        SCMP_SYS(write),
        SCMP_SYS(writev),
        SCMP_SYS(pwrite64),
        SCMP_SYS(lseek),
        SCMP_SYS(_llseek),
        SCMP_SYS(close),
        SCMP_SYS(close_range),
        SCMP_SYS(dup),
        SCMP_SYS(dup2),
        SCMP_SYS(dup3),
        SCMP_SYS(fcntl),
        SCMP_SYS(fcntl64),
        SCMP_SYS(pipe2),
        /* files, as far as they are only read */
        SCMP_SYS(open),
        SCMP_SYS(openat),
        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),
        SCMP_SYS(access),
        SCMP_SYS(faccessat),
        SCMP_SYS(faccessat2),
        SCMP_SYS(stat),
        SCMP_SYS(stat64),
        SCMP_SYS(lstat),
        SCMP_SYS(lstat64),
        SCMP_SYS(fstat),
        SCMP_SYS(fstat64),
        SCMP_SYS(newfstatat),
        SCMP_SYS(fstatat64),
        SCMP_SYS(statx),
        SCMP_SYS(fstatfs),
        SCMP_SYS(fstatfs64),
        SCMP_SYS(statfs),
        SCMP_SYS(statfs64),
        SCMP_SYS(getdents64),
        SCMP_SYS(getcwd),
        /* waiting */
        SCMP_SYS(poll),
        SCMP_SYS(ppoll),
        SCMP_SYS(ppoll_time64),
        SCMP_SYS(epoll_create),
        SCMP_SYS(epoll_create1),
        SCMP_SYS(epoll_ctl),
        SCMP_SYS(epoll_wait),
        SCMP_SYS(epoll_pwait),
        SCMP_SYS(epoll_pwait2),
        SCMP_SYS(eventfd2),
        SCMP_SYS(signalfd4),
        SCMP_SYS(timerfd_create),
        SCMP_SYS(timerfd_settime),
        SCMP_SYS(timerfd_settime64),
        SCMP_SYS(timerfd_gettime),
        SCMP_SYS(timerfd_gettime64),
        SCMP_SYS(nanosleep),
        SCMP_SYS(clock_nanosleep),
        SCMP_SYS(clock_nanosleep_time64),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(sched_yield),
        SCMP_SYS(futex),
        SCMP_SYS(futex_time64),
        /* the time, the process, and its own children and signals */
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_gettime64),
        SCMP_SYS(clock_getres),
        SCMP_SYS(clock_getres_time64),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(time),
        SCMP_SYS(getrandom),
        SCMP_SYS(getpid),
        SCMP_SYS(gettid),
        SCMP_SYS(getppid),
        SCMP_SYS(getuid),
        SCMP_SYS(getuid32),
        SCMP_SYS(geteuid),
        SCMP_SYS(geteuid32),
        SCMP_SYS(getgid),
        SCMP_SYS(getgid32),
        SCMP_SYS(getegid),
        SCMP_SYS(getegid32),
        SCMP_SYS(uname),
        SCMP_SYS(sysinfo),
        SCMP_SYS(getrlimit),
        SCMP_SYS(ugetrlimit),
        SCMP_SYS(sched_getaffinity),
        SCMP_SYS(getcpu),
        SCMP_SYS(rseq),
        SCMP_SYS(set_robust_list),
        SCMP_SYS(waitid),
        SCMP_SYS(wait4),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(sigreturn),
        SCMP_SYS(sigaltstack),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
};

static const int speak[] = {
        SCMP_SYS(connect),     SCMP_SYS(send),        SCMP_SYS(sendto),     SCMP_SYS(sendmsg),
        SCMP_SYS(sendmmsg),    SCMP_SYS(recv),        SCMP_SYS(recvfrom),   SCMP_SYS(recvmsg),
        SCMP_SYS(recvmmsg),    SCMP_SYS(shutdown),    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
        SCMP_SYS(getsockname), SCMP_SYS(getpeername),
};

static const int answer[] = { SCMP_SYS(accept), SCMP_SYS(accept4) };

static const int listening[] = { SCMP_SYS(bind), SCMP_SYS(listen) };

static const int netlink[] = { SCMP_SYS(bind) };

static const int files[] = {
        SCMP_SYS(unlink),
        SCMP_SYS(unlinkat),
        SCMP_SYS(rename),
        SCMP_SYS(renameat),
        SCMP_SYS(renameat2),
        SCMP_SYS(mkdir),
        SCMP_SYS(mkdirat),
        SCMP_SYS(rmdir),
        SCMP_SYS(link),
        SCMP_SYS(linkat),
        SCMP_SYS(symlink),
        SCMP_SYS(symlinkat),
        SCMP_SYS(ftruncate),
        SCMP_SYS(ftruncate64),
        SCMP_SYS(fallocate),
        SCMP_SYS(fsync),
        SCMP_SYS(fdatasync),
        SCMP_SYS(flock),
        SCMP_SYS(umask),
        SCMP_SYS(fchmod),
        /* for a saved guest: writes back what QEMU wrote, so that the fsync() at the end is short */
        SCMP_SYS(sync_file_range),
        SCMP_SYS(sync_file_range2),
};

static const int change_access[] = {
        SCMP_SYS(chmod),        SCMP_SYS(fchmodat),
        SCMP_SYS(chown),        SCMP_SYS(chown32),
        SCMP_SYS(fchown),       SCMP_SYS(fchown32),
        SCMP_SYS(fchownat),     SCMP_SYS(getxattr),
        SCMP_SYS(fgetxattr),    SCMP_SYS(setxattr),
        SCMP_SYS(fsetxattr),    SCMP_SYS(removexattr),
        SCMP_SYS(fremovexattr), SCMP_SYS(name_to_handle_at),
        SCMP_SYS(mknod),        SCMP_SYS(open_by_handle_at),
        SCMP_SYS(mknodat),
};

static const int children[] = { SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(pidfd_open) };

static const int rights[] = {
        SCMP_SYS(prctl),
        SCMP_SYS(capget),
        SCMP_SYS(capset),
        SCMP_SYS(seccomp),
        SCMP_SYS(setresuid),
        SCMP_SYS(setresuid32),
        SCMP_SYS(setresgid),
        SCMP_SYS(setresgid32),
        SCMP_SYS(setgroups),
        SCMP_SYS(setgroups32),
        SCMP_SYS(landlock_create_ruleset),
        SCMP_SYS(landlock_add_rule),
        SCMP_SYS(landlock_restrict_self),
};

typedef struct Table {
        CallGroup group; /* 0: always */
        const int *calls;
        size_t count;
} Table;

static const Table tables[] = {
        { 0, basic, ELEMENTS(basic) },
        { CALLS_SPEAK, speak, ELEMENTS(speak) },
        { CALLS_ANSWER, answer, ELEMENTS(answer) },
        { CALLS_LISTEN, listening, ELEMENTS(listening) },
        { CALLS_NETLINK, netlink, ELEMENTS(netlink) },
        { CALLS_FILES, files, ELEMENTS(files) },
        { CALLS_ACCESS, change_access, ELEMENTS(change_access) },
        { CALLS_CHILDREN, children, ELEMENTS(children) },
        { CALLS_RIGHTS, rights, ELEMENTS(rights) },
};

/* Allowed only if these bits of an argument have this value. */
typedef struct Condition {
        CallGroup group;
        int call;
        unsigned argument;
        uint32_t mask, value;
} Condition;

static const Condition conditions[] = {
        { CALLS_SPEAK, SCMP_SYS(socket), 0, INT_MASK, AF_UNIX },
        { CALLS_SPEAK, SCMP_SYS(socketpair), 0, INT_MASK, AF_UNIX },
        { CALLS_NETLINK, SCMP_SYS(socket), 0, INT_MASK, AF_NETLINK },
        { CALLS_CHILDREN, SCMP_SYS(clone), CLONE_FLAGS_ARGUMENT, NAMESPACE_FLAGS, 0 },
        { CALLS_TAP, SCMP_SYS(ioctl), 1, INT_MASK, TUNGETIFF },
        { CALLS_TAP, SCMP_SYS(ioctl), 1, INT_MASK, TUNSETIFF },
        { CALLS_TAP, SCMP_SYS(ioctl), 1, INT_MASK, TUNSETVNETHDRSZ },
        { CALLS_TAP, SCMP_SYS(ioctl), 1, INT_MASK, TUNSETOWNER },
        { CALLS_TAP, SCMP_SYS(ioctl), 1, INT_MASK, TUNSETQUEUE },
        { 0, SCMP_SYS(ioctl), 1, INT_MASK, FIONREAD },
        { 0, SCMP_SYS(prlimit64), 0, INT_MASK, 0 },
};

static int allow(scmp_filter_ctx filter, int call)
{
        return seccomp_rule_add(filter, ALLOW, call, 0);
}

static bool is_wanted(CallGroup group, CallGroup groups)
{
        return group == 0 || group & groups;
}

static int add_groups(scmp_filter_ctx filter, CallGroup groups)
{
        int r = 0;

        for (size_t i = 0; i < ELEMENTS(tables); i++)
                for (size_t j = 0; r >= 0 && is_wanted(tables[i].group, groups) && j < tables[i].count; j++)
                        r = allow(filter, tables[i].calls[j]);
        for (size_t i = 0; r >= 0 && i < ELEMENTS(conditions); i++) {
                const Condition *c = &conditions[i];

                if (is_wanted(c->group, groups))
                        r = seccomp_rule_add(
                                filter, ALLOW, c->call, 1, filter_bits(c->argument, c->mask, c->value));
        }
        return r;
}

/* A library is mapped executable; otherwise a process has all the code that it will ever execute. */
static int add_memory(scmp_filter_ctx filter, CallGroup groups)
{
        static const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect) };
        int r = 0;

        if (!MMAP_HAS_ARGUMENTS)
                return allow(filter, SCMP_SYS(mmap));
        for (size_t i = 0; r >= 0 && i < ELEMENTS(calls); i++)
                r = groups & CALLS_CODE
                            ? allow(filter, calls[i])
                            : seccomp_rule_add(filter, ALLOW, calls[i], 1, filter_bits(2, PROT_EXEC, 0));
        return r;
}

static int allow_signals_to(scmp_filter_ctx filter, pid_t pid)
{
        return seccomp_rule_add(filter, ALLOW, SCMP_SYS(kill), 1, filter_bits(0, INT_MASK, (uint32_t) pid));
}

/* abort() and raise() name the process's thread group. */
static int add_signals(scmp_filter_ctx filter, const pid_t *targets, size_t n)
{
        int r;

        r = seccomp_rule_add(
                filter, ALLOW, SCMP_SYS(tgkill), 1, filter_bits(0, INT_MASK, (uint32_t) getpid()));
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = allow_signals_to(filter, targets[i]);
        return r;
}

/*
 * The calls of kernels later than libseccomp. Numbers are the same on most architectures since 403, and are
 * assigned in order; the rest of the process's life is short compared with the time in which so many are.
 */
static int add_unknown(scmp_filter_ctx filter)
{
        int first = SYS_landlock_restrict_self, r;
        char *name;

        while ((name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, first))) {
                free(name);
                first++;
        }
        r = seccomp_rule_add(filter, NOT_THERE, SCMP_SYS(clone3), 0);
        for (int call = first; r >= 0 && call < first + UNKNOWN_CALLS; call++)
                r = seccomp_rule_add(filter, NOT_THERE, call, 0);
        return r;
}

int allowed_calls_install(CallGroup groups, const pid_t *targets, size_t n)
{
        _cleanup_(filter_release) scmp_filter_ctx filter = NULL;
        int r;

        r = filter_new(REFUSE, &filter);
        if (r >= 0)
                r = add_groups(filter, groups);
        if (r >= 0)
                r = add_memory(filter, groups);
        if (r >= 0)
                r = add_signals(filter, targets, n);
        if (r >= 0)
                r = add_unknown(filter);
        return r < 0 ? r : seccomp_load(filter);
}
