/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Other processes: another guest's QEMU, which by default has the same user, this QEMU's parent, which is
 * vmunit's launcher, and the system's. The signal is SIGURG, which processes ignore by default, and values
 * are set to what they are already.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/kcmp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/attack/attack.h"

static int own_socket(void)
{
        return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int signal_process(const char *target, int argument)
{
        return kill(atoi(target), SIGURG) < 0 ? -errno : 0;
}

static int signal_thread(const char *target, int argument)
{
        return syscall(SYS_tkill, atoi(target), SIGURG) < 0 ? -errno : 0;
}

static int signal_thread_of_group(const char *target, int argument)
{
        return syscall(SYS_tgkill, atoi(target), atoi(target), SIGURG) < 0 ? -errno : 0;
}

static int queue_signal(const char *target, int argument)
{
        siginfo_t info = { .si_signo = SIGURG, .si_code = SI_QUEUE };

        return syscall(SYS_rt_sigqueueinfo, atoi(target), SIGURG, &info) < 0 ? -errno : 0;
}

static int queue_signal_to_thread(const char *target, int argument)
{
        siginfo_t info = { .si_signo = SIGURG, .si_code = SI_QUEUE };

        return syscall(SYS_rt_tgsigqueueinfo, atoi(target), atoi(target), SIGURG, &info) < 0 ? -errno : 0;
}

static int signal_by_descriptor(const char *target, int argument)
{
        int fd = (int) syscall(SYS_pidfd_open, atoi(target), 0);

        if (fd < 0)
                return -errno;
        return syscall(SYS_pidfd_send_signal, fd, SIGURG, NULL, 0) < 0 ? -errno : 0;
}

/* The owner of a descriptor gets its signals, and F_SETSIG makes them any. */
static int own_descriptor(const char *target, int argument)
{
        return fcntl(own_socket(), F_SETOWN, atoi(target)) < 0 ? -errno : 0;
}

static int own_descriptor_by_kind(const char *target, int argument)
{
        struct f_owner_ex owner = { .type = F_OWNER_PID, .pid = atoi(target) };

        return fcntl(own_socket(), F_SETOWN_EX, &owner) < 0 ? -errno : 0;
}

static int own_descriptor_by_ioctl(const char *target, int request)
{
        int pid = atoi(target);

        return ioctl(own_socket(), (unsigned long) request, &pid) < 0 ? -errno : 0;
}

static int set_limit(const char *target, int argument)
{
        struct rlimit limit = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };

        if (prlimit(atoi(target), RLIMIT_CPU, NULL, &limit) < 0)
                return -errno;
        return prlimit(atoi(target), RLIMIT_CPU, &limit, NULL) < 0 ? -errno : 0;
}

static int set_priority(const char *target, int argument)
{
        int priority;

        errno = 0;
        priority = getpriority(PRIO_PROCESS, (id_t) atoi(target));
        if (errno != 0)
                return -errno;
        return setpriority(PRIO_PROCESS, (id_t) atoi(target), priority) < 0 ? -errno : 0;
}

static int set_io_priority(const char *target, int argument)
{
        int priority = (int) syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, atoi(target));

        if (priority < 0)
                return -errno;
        return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, atoi(target), priority) < 0 ? -errno : 0;
}

static int set_affinity(const char *target, int argument)
{
        cpu_set_t cpus;

        if (sched_getaffinity(atoi(target), sizeof(cpus), &cpus) < 0)
                return -errno;
        return sched_setaffinity(atoi(target), sizeof(cpus), &cpus) < 0 ? -errno : 0;
}

static int set_scheduler(const char *target, int argument)
{
        struct sched_param parameters = {};
        int policy = sched_getscheduler(atoi(target));

        if (policy < 0 || sched_getparam(atoi(target), &parameters) < 0)
                return -errno;
        return sched_setscheduler(atoi(target), policy, &parameters) < 0 ? -errno : 0;
}

/* Without stopping it; it is released when this process ends. */
static int trace(const char *target, int request)
{
        return ptrace(request, atoi(target), NULL, NULL) < 0 ? -errno : 0;
}

/* No memory is at address 0, so whoever may do it is told EFAULT. */
static int access_memory(const char *target, int call)
{
        char byte;
        struct iovec own = { &byte, 1 }, other = { NULL, 1 };

        if (syscall(call, atoi(target), &own, 1, &other, 1, 0) < 0 && errno != EFAULT)
                return -errno;
        return 0;
}

static int advise_memory(const char *target, int argument)
{
        struct iovec range = { NULL, 4096 };
        int fd = (int) syscall(SYS_pidfd_open, atoi(target), 0);

        if (fd < 0)
                return -errno;
        if (syscall(SYS_process_madvise, fd, &range, 1, MADV_COLD, 0) < 0 && errno != ENOMEM)
                return -errno;
        return 0;
}

static int move_memory(const char *target, int argument)
{
        void *page = NULL;
        int status;

        return syscall(SYS_move_pages, atoi(target), 1, &page, NULL, &status, 0) < 0 ? -errno : 0;
}

static int take_descriptor(const char *target, int argument)
{
        int fd = (int) syscall(SYS_pidfd_open, atoi(target), 0);

        if (fd < 0)
                return -errno;
        return syscall(SYS_pidfd_getfd, fd, 0, 0) < 0 ? -errno : 0;
}

static int compare(const char *target, int argument)
{
        return syscall(SYS_kcmp, getpid(), atoi(target), KCMP_VM, 0, 0) < 0 ? -errno : 0;
}

static int robust_list(const char *target, int argument)
{
        void *head;
        size_t size;

        return syscall(SYS_get_robust_list, atoi(target), &head, &size) < 0 ? -errno : 0;
}

/* Whether /proc shows any process but this one, QEMU, and its parent. */
static int list(const char *target, int argument)
{
        DIR *directory = opendir("/proc");
        int parent = atoi(target);

        if (!directory)
                return -errno;
        for (struct dirent *entry; (entry = readdir(directory));) {
                int pid = isdigit((unsigned char) entry->d_name[0]) ? atoi(entry->d_name) : 0;

                if (pid != 0 && pid != getpid() && pid != getppid() && pid != parent)
                        return 0;
        }
        return -ENOENT;
}

const Attack attacks_on_processes[] = {
        { "processes-list", list, "{parent}", 0, "ENOENT|EACCES" },

        /* another guest's QEMU */
        { "other-kill", signal_process, "{other-pid}", 0, "EPERM" },
        { "other-tkill", signal_thread, "{other-pid}", 0, "EPERM" },
        { "other-tgkill", signal_thread_of_group, "{other-pid}", 0, "EPERM" },
        { "other-queue-signal", queue_signal, "{other-pid}", 0, "EPERM" },
        { "other-queue-thread-signal", queue_signal_to_thread, "{other-pid}", 0, "EPERM" },
        { "other-pidfd-signal", signal_by_descriptor, "{other-pid}", 0, "EPERM" },
        { "other-set-owner", own_descriptor, "{other-pid}", 0, "EPERM" },
        { "other-set-owner-by-kind", own_descriptor_by_kind, "{other-pid}", 0, "EPERM" },
        { "other-set-owner-by-ioctl", own_descriptor_by_ioctl, "{other-pid}", FIOSETOWN, "EPERM" },
        { "other-set-group-by-ioctl", own_descriptor_by_ioctl, "{other-pid}", SIOCSPGRP, "EPERM" },
        { "other-limit", set_limit, "{other-pid}", 0, "EPERM" },
        { "other-priority", set_priority, "{other-pid}", 0, "EPERM" },
        { "other-io-priority", set_io_priority, "{other-pid}", 0, "EPERM" },
        { "other-affinity", set_affinity, "{other-pid}", 0, "EPERM" },
        { "other-scheduler", set_scheduler, "{other-pid}", 0, "EPERM" },
        { "other-ptrace", trace, "{other-pid}", PTRACE_SEIZE, "EPERM" },
        { "other-memory-read", access_memory, "{other-pid}", SYS_process_vm_readv, "EPERM" },
        { "other-memory-write", access_memory, "{other-pid}", SYS_process_vm_writev, "EPERM" },
        { "other-memory-advise", advise_memory, "{other-pid}", 0, "EPERM" },
        { "other-memory-move", move_memory, "{other-pid}", 0, "EPERM" },
        { "other-descriptor", take_descriptor, "{other-pid}", 0, "EPERM" },
        { "other-kcmp", compare, "{other-pid}", 0, "EPERM" },
        { "other-robust-list", robust_list, "{other-pid}", 0, "EPERM" },
        { "other-proc-memory", attack_write, "/proc/{other-pid}/mem", 0, "ENOENT|EACCES" },
        { "other-proc-environment", attack_read, "/proc/{other-pid}/environ", 0, "ENOENT|EACCES" },
        { "other-proc-maps", attack_read, "/proc/{other-pid}/maps", 0, "ENOENT|EACCES" },
        { "other-proc-descriptors", attack_read, "/proc/{other-pid}/fd", 0, "ENOENT|EACCES" },
        { "other-proc-root", attack_read, "/proc/{other-pid}/root/", 0, "ENOENT|EACCES" },
        { "other-proc-arguments", attack_read, "/proc/{other-pid}/cmdline", 0, "ENOENT|EACCES" },
        { "other-proc-oom-score", attack_write, "/proc/{other-pid}/oom_score_adj", 0, "ENOENT|EACCES" },
        { "other-proc-namespace", attack_read, "/proc/{other-pid}/ns/mnt", 0, "ENOENT|EACCES" },

        /* the parent */
        { "parent-kill", signal_process, "{parent}", 0, "EPERM" },
        { "parent-ptrace", trace, "{parent}", PTRACE_SEIZE, "EPERM" },
        { "parent-limit", set_limit, "{parent}", 0, "EPERM" },
        { "parent-descriptor", take_descriptor, "{parent}", 0, "EPERM" },
        { "parent-proc-memory", attack_write, "/proc/{parent}/mem", 0, "ENOENT|EACCES" },
        { "parent-proc-environment", attack_read, "/proc/{parent}/environ", 0, "ENOENT|EACCES" },
        { "parent-proc-descriptors", attack_read, "/proc/{parent}/fd", 0, "ENOENT|EACCES" },
        { "parent-proc-root", attack_read, "/proc/{parent}/root/", 0, "ENOENT|EACCES" },

        /* the system's */
        { "system-kill", signal_process, "1", 0, "EPERM" },
        { "system-kill-all", signal_process, "-1", 0, "EPERM" },
        { "system-ptrace", trace, "1", PTRACE_SEIZE, "EPERM" },
        { "system-proc-environment", attack_read, "/proc/1/environ", 0, "ENOENT|EACCES" },
        { "system-proc-root", attack_read, "/proc/1/root/", 0, "ENOENT|EACCES" },
        {},
};
