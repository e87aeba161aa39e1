/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All guests run as one user by default, and the kernel lets a process signal every other of its user: mount
 * and user namespaces do not come into it, and one guest that took its QEMU over could kill or stop all
 * others. So QEMU gets a system call filter of its own, on top of the unit's and below that of QEMU's
 * -sandbox, in which the pid that a signal goes to is its own or the call fails with EPERM. The filter has
 * to know that pid, so systemd's SystemCallFilter= cannot say this.
 *
 * There are more ways to a signal than kill():
 *
 *     the kill family          the thread group has to be QEMU's own; glibc's raise() and pthread_kill() say
 *                              which it is. A pidfd says nothing to a filter.
 *     F_SETOWN, SIOCSPGRP      the owner of a descriptor gets its SIGIO, and F_SETSIG makes any signal of it
 *     prlimit64                a limit on processor time that is used up is SIGKILL
 *     ptrace and its like      the unit's filter has most of them out; here it does not depend on the unit
 *
 * All numbers that are compared are ints to the kernel, which takes the lower half of the register: so does
 * the filter. System calls by another architecture's numbers are none that this one could judge.
 *
 * What QEMU forks inherits the filter, and with it QEMU's pid as the only one: helpers cannot signal even
 * themselves, which costs them at most the way in which they abort(). The launcher has no such filter, for
 * it has QEMU to end; its memory, by which QEMU would leave the filter, is kept from QEMU by other means
 * (run.c).
 *
 * The unit of a guest that passt connects lets its processes have namespaces of their own and mount in them,
 * since passt ends where it cannot shut itself in. That is passt's alone: a second table has QEMU refused
 * what any other guest's unit refuses it. clone3() has its flags in memory, where a filter does not look; it
 * is said not to be there, and the C library falls back on clone().
 */

#include "launcher/rights/call-filter.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/text.h"

#if defined(__x86_64__) && !defined(__ILP32__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define NATIVE_ARCHITECTURE (__BYTE_ORDER == __LITTLE_ENDIAN ? AUDIT_ARCH_ARM : AUDIT_ARCH_ARMEB)
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__)
#define NATIVE_ARCHITECTURE (__BYTE_ORDER == __LITTLE_ENDIAN ? AUDIT_ARCH_PPC64LE : AUDIT_ARCH_PPC64)
#elif defined(__s390x__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_S390X
#elif defined(__loongarch64)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_LOONGARCH64
#else
#error "Which AUDIT_ARCH_… of <linux/audit.h> is this?"
#endif

#define X32_BIT     0x40000000U /* x86-64 with pointers of 32 bits: the same architecture to seccomp */
#define REFUSE      (SECCOMP_RET_ERRNO | EPERM)
#define NOT_THERE   (SECCOMP_RET_ERRNO | ENOSYS)
#define NO_ARGUMENT (-1)

/*
 * Of a call (whose argument `selector` is `value`) that is refused, or allowed only where the argument `pid`
 * is the process's own, or `none_too` and it is 0.
 */
typedef struct Rule {
        uint32_t call;
        int selector;
        uint32_t value;
        int pid;
        bool none_too;
} Rule;

static const Rule rules[] = {
        { SYS_ioctl, 1, FIOSETOWN, NO_ARGUMENT, false },
        { SYS_ioctl, 1, SIOCSPGRP, NO_ARGUMENT, false },
        { SYS_fcntl, 1, F_SETOWN, 2, true },
        { SYS_fcntl, 1, F_SETOWN_EX, NO_ARGUMENT, false },
#ifdef SYS_fcntl64
        { SYS_fcntl64, 1, F_SETOWN, 2, true },
        { SYS_fcntl64, 1, F_SETOWN_EX, NO_ARGUMENT, false },
#endif
        { SYS_tgkill, NO_ARGUMENT, 0, 0, false },
        { SYS_kill, NO_ARGUMENT, 0, 0, false },
        { SYS_tkill, NO_ARGUMENT, 0, 0, false },
        { SYS_rt_sigqueueinfo, NO_ARGUMENT, 0, 0, false },
        { SYS_rt_tgsigqueueinfo, NO_ARGUMENT, 0, 0, false },
        { SYS_pidfd_send_signal, NO_ARGUMENT, 0, NO_ARGUMENT, false },
        { SYS_prlimit64, NO_ARGUMENT, 0, 0, true },
        { SYS_ptrace, NO_ARGUMENT, 0, NO_ARGUMENT, false },
        { SYS_process_vm_readv, NO_ARGUMENT, 0, NO_ARGUMENT, false },
        { SYS_process_vm_writev, NO_ARGUMENT, 0, NO_ARGUMENT, false },
        { SYS_pidfd_getfd, NO_ARGUMENT, 0, NO_ARGUMENT, false },
};

static const uint32_t namespace_calls[] = {
        SYS_unshare, SYS_setns,     SYS_mount,  SYS_umount2,   SYS_pivot_root, SYS_chroot,
        SYS_capset,  SYS_setgroups, SYS_setuid, SYS_setresuid, SYS_setreuid,
};

#define NAMESPACE_FLAGS                                                                               \
        (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | \
         CLONE_NEWUTS)
#ifdef __s390x__
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif
#define NAMESPACE_RULES_MAX (2 * ELEMENTS(namespace_calls) + 7) /* instructions of all of them */

#define RULE_MAX     9 /* instructions of one */
#define PREAMBLE_MAX 6

typedef struct Program {
        struct sock_filter code[PREAMBLE_MAX + ELEMENTS(rules) * RULE_MAX + NAMESPACE_RULES_MAX + 1];
        unsigned short size;
} Program;

static void put(Program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
        p->code[p->size++] = (struct sock_filter) BPF_JUMP(code, k, yes, no);
}

static void put_load(Program *p, size_t offset)
{
        put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t) offset, 0, 0);
}

static void put_load_argument(Program *p, int argument)
{
        size_t lower = __BYTE_ORDER == __LITTLE_ENDIAN ? 0 : sizeof(uint32_t);

        put_load(p, offsetof(struct seccomp_data, args) + (size_t) argument * sizeof(uint64_t) + lower);
}

static void put_compare(Program *p, uint16_t comparison, uint32_t k, uint8_t yes, uint8_t no)
{
        put(p, BPF_JMP | comparison | BPF_K, k, yes, no);
}

static void put_return(Program *p, uint32_t what)
{
        put(p, BPF_RET | BPF_K, what, 0, 0);
}

static void put_preamble(Program *p)
{
        put_load(p, offsetof(struct seccomp_data, arch));
        put_compare(p, BPF_JEQ, NATIVE_ARCHITECTURE, 1, 0);
        put_return(p, REFUSE);
#ifdef __x86_64__
        put_load(p, offsetof(struct seccomp_data, nr));
        put_compare(p, BPF_JGE, X32_BIT, 0, 1);
        put_return(p, REFUSE);
#endif
}

static void put_rule(Program *p, const Rule *rule, uint32_t own)
{
        unsigned short skips[2];
        size_t n = 0;

        put_load(p, offsetof(struct seccomp_data, nr));
        skips[n++] = p->size;
        put_compare(p, BPF_JEQ, rule->call, 0, 0);
        if (rule->selector != NO_ARGUMENT) {
                put_load_argument(p, rule->selector);
                skips[n++] = p->size;
                put_compare(p, BPF_JEQ, rule->value, 0, 0);
        }
        if (rule->pid != NO_ARGUMENT) {
                put_load_argument(p, rule->pid);
                put_compare(p, BPF_JEQ, rule->none_too ? 0 : own, 1, 0);
                put_compare(p, BPF_JEQ, own, 0, 1);
                put_return(p, SECCOMP_RET_ALLOW);
        }
        put_return(p, REFUSE);
        while (n-- > 0)
                p->code[skips[n]].jf = (uint8_t) (p->size - skips[n] - 1);
}

static void put_namespace_rules(Program *p)
{
        put_load(p, offsetof(struct seccomp_data, nr));
        for (size_t i = 0; i < ELEMENTS(namespace_calls); i++) {
                put_compare(p, BPF_JEQ, namespace_calls[i], 0, 1);
                put_return(p, REFUSE);
        }
        put_compare(p, BPF_JEQ, SYS_clone3, 0, 1);
        put_return(p, NOT_THERE);
        put_compare(p, BPF_JEQ, SYS_clone, 0, 3);
        put_load_argument(p, CLONE_FLAGS_ARGUMENT);
        put_compare(p, BPF_JSET, (uint32_t) NAMESPACE_FLAGS, 0, 1);
        put_return(p, REFUSE);
}

int call_filter_install(CallFilter what)
{
        Program p = { .size = 0 };
        struct sock_fprog program;

        put_preamble(&p);
        if (what & CALL_FILTER_NAMESPACES)
                put_namespace_rules(&p);
        for (size_t i = 0; i < ELEMENTS(rules) && what & CALL_FILTER_SIGNALS; i++)
                put_rule(&p, &rules[i], (uint32_t) getpid());
        put_return(&p, SECCOMP_RET_ALLOW);
        program = (struct sock_fprog){ .len = p.size, .filter = p.code };

        /* the unit has NoNewPrivileges=; without, a filter is root's to install */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
                return -errno;
        return 0;
}
