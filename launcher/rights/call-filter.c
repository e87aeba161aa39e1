/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All guests run as one user by default, and the kernel lets a process signal every other process of its
 * user. Mount and user namespaces do not change that, so a guest that has taken over its QEMU could kill or
 * stop all others. QEMU therefore gets a system call filter of its own, in addition to the unit's and to
 * that of QEMU's -sandbox: a signal must go to QEMU's own pid, or the call fails with EPERM. The filter has
 * to know that pid, which systemd's SystemCallFilter= cannot.
 *
 * kill() is not the only way to send a signal:
 *
 *     the kill family          the thread group must be QEMU's own; glibc's raise() and pthread_kill() name
 *                              it. A filter cannot see which process a pidfd refers to.
 *     F_SETOWN, SIOCSPGRP      the owner of a descriptor gets its SIGIO, and F_SETSIG makes that any signal
 *     prlimit64                exceeding a limit on processor time is SIGKILL
 *     ptrace and its like      the unit's filter refuses most of them; this one does not depend on the unit
 *
 * The kernel takes all numbers compared here as ints and ignores the upper half of the register. The filter
 * does the same, by masks; comparing all 64 bits would miss some calls. Calls by the numbers of another
 * architecture, 32-bit and x32 included, are refused altogether.
 *
 * libseccomp has no comparison "these bits differ", and takes one condition for each argument. So "any
 * number but these" becomes one rule for each range that has none of them: see refuse_other_numbers().
 *
 * Processes that QEMU forks inherit the filter, and with it QEMU's pid as the only permitted one. They
 * cannot signal even themselves, which at most changes how they abort(). The launcher has no such filter
 * because it must be able to kill QEMU. QEMU could escape the filter through the launcher's memory, which
 * run.c keeps out of its reach.
 *
 * The sandbox has the sockets of systemd's notifications, of the journal and of the helper, for the
 * launcher. They take datagrams or packets, which QEMU never sends to local sockets; so it cannot create a
 * socket that could, and neither flood these services nor speak in the launcher's name. Only the journal's
 * socket for a service's output is a stream. A QEMU that connects to nothing, as most do not, cannot connect
 * to this one either, nor to the host's own addresses if it shares the host's network in order to listen.
 * The only streams that send to an address without connect() are TCP's with MSG_FASTOPEN, and SCTP's.
 *
 * The unit of a guest that uses passt lets its processes create namespaces and mount in them, because passt
 * refuses to run without its own sandbox. This is for passt only: the second table refuses QEMU what the
 * unit of any other guest refuses. clone3() has its flags in memory, which a filter cannot read, so it fails
 * with ENOSYS and the C library falls back to clone().
 */

#include "launcher/rights/call-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine/filter.h"
#include "util/text.h"

#define NO_ARGUMENT (-1)

#define SOCKET_TYPE_MASK 0xfU /* the rest are flags: SOCK_CLOEXEC, SOCK_NONBLOCK */

/*
 * A system call (whose argument `selector` is `value`) that is refused, or allowed only if the argument
 * `pid` is the process's own, or 0 with `zero_too`. Calls that do not exist on an architecture are ignored
 * there.
 */
typedef struct Rule {
        int call;
        int selector;
        uint32_t value;
        int pid;
        bool zero_too;
} Rule;

static const Rule rules[] = {
        { SCMP_SYS(ioctl), 1, FIOSETOWN, NO_ARGUMENT, false },
        { SCMP_SYS(ioctl), 1, SIOCSPGRP, NO_ARGUMENT, false },
        { SCMP_SYS(fcntl), 1, F_SETOWN, 2, true },
        { SCMP_SYS(fcntl), 1, F_SETOWN_EX, NO_ARGUMENT, false },
        { SCMP_SYS(fcntl64), 1, F_SETOWN, 2, true },
        { SCMP_SYS(fcntl64), 1, F_SETOWN_EX, NO_ARGUMENT, false },
        { SCMP_SYS(tgkill), NO_ARGUMENT, 0, 0, false },
        { SCMP_SYS(kill), NO_ARGUMENT, 0, 0, false },
        { SCMP_SYS(tkill), NO_ARGUMENT, 0, 0, false },
        { SCMP_SYS(rt_sigqueueinfo), NO_ARGUMENT, 0, 0, false },
        { SCMP_SYS(rt_tgsigqueueinfo), NO_ARGUMENT, 0, 0, false },
        { SCMP_SYS(pidfd_send_signal), NO_ARGUMENT, 0, NO_ARGUMENT, false },
        { SCMP_SYS(prlimit64), NO_ARGUMENT, 0, 0, true },
        { SCMP_SYS(ptrace), NO_ARGUMENT, 0, NO_ARGUMENT, false },
        { SCMP_SYS(process_vm_readv), NO_ARGUMENT, 0, NO_ARGUMENT, false },
        { SCMP_SYS(process_vm_writev), NO_ARGUMENT, 0, NO_ARGUMENT, false },
        { SCMP_SYS(pidfd_getfd), NO_ARGUMENT, 0, NO_ARGUMENT, false },
};

static const int namespace_calls[] = {
        SCMP_SYS(unshare),    SCMP_SYS(setns),     SCMP_SYS(mount),    SCMP_SYS(umount2),
        SCMP_SYS(pivot_root), SCMP_SYS(chroot),    SCMP_SYS(capset),   SCMP_SYS(setgroups),
        SCMP_SYS(setuid),     SCMP_SYS(setresuid), SCMP_SYS(setreuid),
};

static const uint32_t namespace_flags[] = {
        CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS,
};

/* Refuses the rule's call, or only those of them that `number` is true for. */
static int refuse(scmp_filter_ctx filter, const Rule *rule, const struct scmp_arg_cmp *number)
{
        struct scmp_arg_cmp conditions[2];
        unsigned n = 0;

        if (rule->selector != NO_ARGUMENT)
                conditions[n++] = filter_bits(rule->selector, INT_MASK, rule->value);
        if (number)
                conditions[n++] = *number;
        return seccomp_rule_add_array(filter, REFUSE, rule->call, n, conditions);
}

/*
 * Every number that is not allowed has a first bit, from the top, in which it differs from the allowed
 * number that it is most like. So the ranges to refuse are found by inverting one bit of an allowed number
 * and ignoring all bits below. A range that has the other allowed number is skipped: the bits further down
 * of that one yield the rest of it.
 */
static int refuse_other_numbers(scmp_filter_ctx filter, const Rule *rule, uint32_t own)
{
        const uint32_t allowed[] = { own, 0 };
        size_t n = rule->zero_too ? ELEMENTS(allowed) : 1;

        for (size_t i = 0; i < n; i++)
                for (uint32_t bit = 1; bit != 0; bit <<= 1) {
                        uint32_t mask = ~(bit - 1), range = (allowed[i] ^ bit) & mask;
                        struct scmp_arg_cmp inside = filter_bits(rule->pid, mask, range);
                        bool has_allowed = false;
                        int r;

                        for (size_t j = 0; j < n; j++)
                                has_allowed = has_allowed || (allowed[j] & mask) == range;
                        r = has_allowed ? 0 : refuse(filter, rule, &inside);
                        if (r < 0)
                                return r;
                }
        return 0;
}

static int add_signal_rules(scmp_filter_ctx filter)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTS(rules); i++)
                r = rules[i].pid == NO_ARGUMENT
                            ? refuse(filter, &rules[i], NULL)
                            : refuse_other_numbers(filter, &rules[i], (uint32_t) getpid());
        return r;
}

static int add_namespace_rules(scmp_filter_ctx filter)
{
        int r;

        r = seccomp_rule_add(filter, NOT_THERE, SCMP_SYS(clone3), 0);
        for (size_t i = 0; r >= 0 && i < ELEMENTS(namespace_calls); i++)
                r = seccomp_rule_add(filter, REFUSE, namespace_calls[i], 0);
        for (size_t i = 0; r >= 0 && i < ELEMENTS(namespace_flags); i++)
                r = seccomp_rule_add(
                        filter, REFUSE, SCMP_SYS(clone), 1,
                        filter_bits(CLONE_FLAGS_ARGUMENT, namespace_flags[i], namespace_flags[i]));
        return r;
}

static int add_service_rules(scmp_filter_ctx filter)
{
        static const int calls[] = { SCMP_SYS(socket), SCMP_SYS(socketpair) };
        static const uint32_t types[] = { SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW };
        int r = 0;

        for (size_t i = 0; i < ELEMENTS(calls); i++)
                for (size_t j = 0; r >= 0 && j < ELEMENTS(types); j++)
                        r = seccomp_rule_add(
                                filter, REFUSE, calls[i], 2, filter_bits(0, INT_MASK, AF_UNIX),
                                filter_bits(1, SOCKET_TYPE_MASK, types[j]));
        return r;
}

static int add_peer_rules(scmp_filter_ctx filter)
{
        static const uint32_t families[] = { AF_INET, AF_INET6 };
        static const uint32_t types[] = { SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW, SOCK_DCCP };
        static const struct {
                int call;
                unsigned flags; /* which argument they are */
        } sending[] = {
                { SCMP_SYS(sendto), 3 },
                { SCMP_SYS(sendmsg), 2 },
                { SCMP_SYS(sendmmsg), 3 },
        };
        int r;

        r = seccomp_rule_add(filter, REFUSE, SCMP_SYS(connect), 0);
        for (size_t i = 0; r >= 0 && i < ELEMENTS(sending); i++)
                r = seccomp_rule_add(
                        filter, REFUSE, sending[i].call, 1,
                        filter_bits(sending[i].flags, MSG_FASTOPEN, MSG_FASTOPEN));
        for (size_t i = 0; i < ELEMENTS(families); i++) {
                for (size_t j = 0; r >= 0 && j < ELEMENTS(types); j++)
                        r = seccomp_rule_add(
                                filter, REFUSE, SCMP_SYS(socket), 2, filter_bits(0, INT_MASK, families[i]),
                                filter_bits(1, SOCKET_TYPE_MASK, types[j]));
                if (r >= 0)
                        r = seccomp_rule_add(
                                filter, REFUSE, SCMP_SYS(socket), 2, filter_bits(0, INT_MASK, families[i]),
                                filter_bits(2, INT_MASK, IPPROTO_SCTP));
        }
        return r;
}

int call_filter_install(CallFilter what)
{
        _cleanup_(filter_release) scmp_filter_ctx filter = NULL;
        int r;

        r = filter_new(SCMP_ACT_ALLOW, &filter);
        if (r >= 0 && what & CALL_FILTER_NAMESPACES)
                r = add_namespace_rules(filter);
        if (r >= 0 && what & CALL_FILTER_SERVICES)
                r = add_service_rules(filter);
        if (r >= 0 && what & CALL_FILTER_PEERS)
                r = add_peer_rules(filter);
        if (r >= 0 && what & CALL_FILTER_SIGNALS)
                r = add_signal_rules(filter);

        /* this sets no_new_privs, which the unit has from NoNewPrivileges=: otherwise a filter requires root
         */
        return r < 0 ? r : seccomp_load(filter);
}
