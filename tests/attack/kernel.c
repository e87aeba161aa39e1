/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Interfaces of the kernel that QEMU does not need. Where a call would change the host, it has an argument
 * that the kernel rejects only after it has checked permissions. So any other error than that of the
 * permission is a success.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/personality.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "tests/attack/attack.h"

static int refused(long result)
{
        if (result >= 0)
                return 0;
        return errno == EPERM || errno == EACCES || errno == ENOSYS ? -errno : 0;
}

static int load_module(const char *target, int argument)
{
        return refused(syscall(SYS_init_module, NULL, 0, ""));
}

static int remove_module(const char *target, int argument)
{
        return refused(syscall(SYS_delete_module, "attack-none", O_NONBLOCK));
}

static int load_kernel(const char *target, int argument)
{
        return refused(syscall(SYS_kexec_load, 0, 0, NULL, 0xffffUL));
}

static int reboot_system(const char *target, int argument)
{
        return refused(syscall(SYS_reboot, 0, 0, 0, NULL));
}

static int set_clock(const char *target, int argument)
{
        struct timex wrong = { .modes = ADJ_TICK, .tick = 1 };

        return refused(adjtimex(&wrong));
}

static int set_host_name(const char *target, int argument)
{
        return refused(syscall(SYS_sethostname, "", -1));
}

static int swap_on(const char *target, int argument)
{
        return refused(swapon("/attack-none", 0));
}

static int account(const char *target, int argument)
{
        return refused(acct("/attack-none"));
}

static int kernel_log(const char *target, int argument)
{
        return refused(syscall(SYS_syslog, 8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, NULL, 99));
}

static int io_ports(const char *target, int argument)
{
#ifdef SYS_iopl
        return syscall(SYS_iopl, 3) < 0 ? -errno : 0;
#else
        return NOT_APPLICABLE;
#endif
}

static int local_descriptors(const char *target, int argument)
{
#ifdef SYS_modify_ldt
        char byte;

        return syscall(SYS_modify_ldt, 0, &byte, 1) < 0 ? -errno : 0;
#else
        return NOT_APPLICABLE;
#endif
}

static int change_personality(const char *target, int argument)
{
        return personality(ADDR_NO_RANDOMIZE) < 0 ? -errno : 0;
}

static int load_bpf(const char *target, int argument)
{
        struct bpf_insn program[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
                                      { .code = BPF_JMP | BPF_EXIT } };
        union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2 };

        attr.insns = (uintptr_t) program;
        attr.license = (uintptr_t) "GPL";
        return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

static int new_bpf_map(const char *target, int argument)
{
        union bpf_attr attr = {
                .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
        };

        return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

static int perf(const char *target, int type)
{
        struct perf_event_attr attr = {
                .type = (uint32_t) type,
                .size = sizeof(attr),
                .config = PERF_COUNT_SW_CPU_CLOCK,
                .disabled = 1,
                .exclude_kernel = 1,
                .exclude_hv = 1,
        };

        return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) < 0 ? -errno : 0;
}

static int ring(const char *target, int argument)
{
        char parameters[120] = { 0 };

        return syscall(SYS_io_uring_setup, 1, parameters) < 0 ? -errno : 0;
}

static int watch_faults(const char *target, int argument)
{
        return syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */) < 0 ? -errno : 0;
}

static int watch_files(const char *target, int argument)
{
        int fd = inotify_init1(IN_CLOEXEC);

        return fd < 0 || inotify_add_watch(fd, "/usr", IN_OPEN) < 0 ? -errno : 0;
}

static int watch_all_files(const char *target, int argument)
{
        return syscall(SYS_fanotify_init, 0, O_RDONLY) < 0 ? -errno : 0;
}

static int key(const char *target, int ring)
{
        char text[64];

        return syscall(SYS_keyctl, KEYCTL_READ, ring, text, sizeof(text)) < 0 ? -errno : 0;
}

static int new_key(const char *target, int argument)
{
        return syscall(SYS_add_key, "user", "vmunit-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING) < 0 ? -errno
                                                                                                   : 0;
}

/* The calls of other architectures have numbers of their own, which a filter may forget. A kernel that has
 * none of i386 ends the process with SIGSEGV. */
static int call_of_i386(const char *target, int argument)
{
#ifdef __x86_64__
        long result;

        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(20L /* getpid() */)
                         : "memory", "r8", "r9", "r10", "r11");
        return result < 0 ? (int) result : 0;
#else
        return NOT_APPLICABLE;
#endif
}

static int call_of_x32(const char *target, int argument)
{
#ifdef __x86_64__
        return syscall(0x40000000 | SYS_getpid) < 0 ? -errno : 0;
#else
        return NOT_APPLICABLE;
#endif
}

/* Older versions of systemd can only hide the whole tree. */
#define BY_CGROUP "ENOENT|EACCES|EROFS"

const Attack attacks_on_kernel[] = {
        { "kernel-load-module", load_module, NULL, 0, "EPERM" },
        { "kernel-remove-module", remove_module, NULL, 0, "EPERM" },
        { "kernel-kexec", load_kernel, NULL, 0, "EPERM" },
        { "kernel-reboot", reboot_system, NULL, 0, "EPERM" },
        { "kernel-clock", set_clock, NULL, 0, "EPERM" },
        { "kernel-host-name", set_host_name, NULL, 0, "EPERM" },
        { "kernel-swap", swap_on, NULL, 0, "EPERM" },
        { "kernel-accounting", account, NULL, 0, "EPERM" },
        { "kernel-log", kernel_log, NULL, 0, "EPERM" },
        { "kernel-io-ports", io_ports, NULL, 0, "EPERM" },
        { "kernel-local-descriptors", local_descriptors, NULL, 0, "EPERM" },
        { "kernel-personality", change_personality, NULL, 0, "EPERM" },
        { "kernel-bpf-program", load_bpf, NULL, 0, "EPERM" },
        { "kernel-bpf-map", new_bpf_map, NULL, 0, "EPERM" },
        { "kernel-perf", perf, NULL, PERF_TYPE_SOFTWARE, "EPERM" },
        { "kernel-io-uring", ring, NULL, 0, "EPERM" },
        { "kernel-userfaultfd", watch_faults, NULL, 0, "EPERM" },
        { "kernel-inotify", watch_files, NULL, 0, "EPERM" },
        { "kernel-fanotify", watch_all_files, NULL, 0, "EPERM" },
        { "kernel-user-keyring", key, NULL, KEY_SPEC_USER_KEYRING, "EPERM" },
        { "kernel-session-keyring", key, NULL, KEY_SPEC_SESSION_KEYRING, "EPERM" },
        { "kernel-add-key", new_key, NULL, 0, "EPERM" },
        { "kernel-call-of-i386", call_of_i386, NULL, 0, "SIGSYS|SIGSEGV" },
        { "kernel-call-of-x32", call_of_x32, NULL, 0, "SIGSYS" },

        /* files by which the kernel is set and asked */
        { "kernel-sysrq", attack_write, "/proc/sysrq-trigger", 0, "ENOENT|EACCES" },
        { "kernel-core-pattern", attack_write, "/proc/sys/kernel/core_pattern", 0, "ENOENT|EACCES" },
        { "kernel-symbols", attack_read, "/proc/kallsyms", 0, "ENOENT|EACCES" },
        { "kernel-memory", attack_read, "/proc/kcore", 0, "ENOENT|EACCES" },
        { "kernel-messages", attack_read, "/proc/kmsg", 0, "ENOENT|EACCES" },
        { "kernel-command-line", attack_read, "/proc/cmdline", 0, "ENOENT|EACCES" },
        { "kernel-mounts-of-host", attack_read, "/proc/1/mountinfo", 0, "ENOENT|EACCES" },
        { "kernel-event-helper", attack_write, "/sys/kernel/uevent_helper", 0, "EROFS|EACCES|ENOENT" },
        { "kernel-power", attack_write, "/sys/power/state", 0, "EROFS|EACCES|ENOENT" },
        { "kernel-profiling", attack_write, "/sys/kernel/profiling", 0, "EROFS|EACCES|ENOENT" },
        { "kernel-tracing", attack_read, "/sys/kernel/tracing", 0, "ENOENT|EACCES" },
        { "kernel-debugging", attack_read, "/sys/kernel/debug", 0, "ENOENT|EACCES" },
        { "kernel-security", attack_write, "/sys/kernel/security/lsm", 0, "ENOENT|EACCES|EROFS" },

        /* control groups */
        { "cgroup-other-processes", attack_read, "{other-cgroup}/cgroup.procs", 0, BY_CGROUP },
        { "cgroup-other-freeze", attack_write, "{other-cgroup}/cgroup.freeze", 0, BY_CGROUP },
        { "cgroup-other-kill", attack_write, "{other-cgroup}/cgroup.kill", 0, BY_CGROUP },
        { "cgroup-other-join", attack_write, "{other-cgroup}/cgroup.procs", 0, BY_CGROUP },
        { "cgroup-list", attack_read, "/sys/fs/cgroup/system.slice", 0, BY_CGROUP },
        { "cgroup-own-memory", attack_write, "{own-cgroup}/memory.max", 0, BY_CGROUP },
        { "cgroup-own-processes", attack_write, "{own-cgroup}/pids.max", 0, BY_CGROUP },
        { "cgroup-own-create", attack_create, "{own-cgroup}", 0, BY_CGROUP },
        {},
};
