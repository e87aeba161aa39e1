/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/rights/call-filter.h"
#include "tests/unit/test.h"

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
        caught++;
}

#define CHECK_REFUSED(call)                 \
        do {                                \
                errno = 0;                  \
                CHECK_NUMBER(call, -1);     \
                CHECK_NUMBER(errno, EPERM); \
        } while (0)

static void others_are_out_of_reach(pid_t other)
{
        struct rlimit limit = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
        struct f_owner_ex owner = { .type = F_OWNER_PID, .pid = other };
        int fds[2], number = other;
        siginfo_t info = { .si_code = SI_QUEUE };
        char byte;
        struct iovec vector = { .iov_base = &byte, .iov_len = 1 };

        CHECK_REFUSED(kill(other, 0));
        CHECK_REFUSED(kill(0, 0));
        CHECK_REFUSED(kill(-1, 0));
        CHECK_REFUSED(kill(-getpgrp(), 0));
        CHECK_REFUSED(syscall(SYS_kill, (uint64_t) 1 << 32 | (uint32_t) other, 0));
        CHECK_REFUSED(syscall(SYS_tkill, other, 0));
        CHECK_REFUSED(syscall(SYS_tgkill, other, other, 0));
        CHECK_REFUSED(syscall(SYS_rt_sigqueueinfo, other, SIGUSR1, &info));
        CHECK_REFUSED(syscall(SYS_rt_tgsigqueueinfo, other, other, SIGUSR1, &info));
        CHECK_REFUSED(syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0));
        CHECK_REFUSED(syscall(SYS_pidfd_getfd, -1, 0, 0));
        CHECK_REFUSED(prlimit(other, RLIMIT_CPU, NULL, &limit));
        CHECK_REFUSED(prlimit(other, RLIMIT_CPU, &limit, NULL));
        CHECK_REFUSED(ptrace(PTRACE_SEIZE, other, NULL, NULL));
        CHECK_REFUSED(process_vm_readv(other, &vector, 1, &vector, 1, 0));
        CHECK_REFUSED(process_vm_writev(other, &vector, 1, &vector, 1, 0));

        CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        CHECK_REFUSED(fcntl(fds[0], F_SETOWN, other));
        CHECK_REFUSED(fcntl(fds[0], F_SETOWN, -other));
        CHECK_REFUSED(fcntl(fds[0], F_SETOWN_EX, &owner));
        CHECK_REFUSED(ioctl(fds[0], FIOSETOWN, &number));
        CHECK_REFUSED(ioctl(fds[0], SIOCSPGRP, &number));
#ifdef __x86_64__
        CHECK_REFUSED(syscall(0x40000000 | SYS_kill, other, 0));
#endif
}

#ifdef __x86_64__
/* kill(other, 0) by the 32-bit entry and number, which QEMU has no use for. */
static int kill_32bit(pid_t other)
{
        int r = 37;

        __asm__ volatile("int $0x80" : "+a"(r) : "b"(other), "c"(0) : "memory", "r8", "r9", "r10", "r11");
        return r;
}

/* A kernel without 32-bit emulation ends the process at that instruction, which refuses all of it. */
static bool has_32bit_entry(pid_t other)
{
        pid_t pid = fork();
        int status;

        CHECK(pid >= 0);
        if (pid == 0) {
                (void) signal(SIGSEGV, SIG_DFL); /* a sanitizer would handle it */
                _exit(kill_32bit(other) == 0 ? 0 : 1);
        }
        CHECK_NUMBER(waitpid(pid, &status, 0), pid);
        CHECK(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGSEGV);
        return WIFEXITED(status);
}
#endif

static bool try_32bit;

static void other_architectures_are_out(pid_t other)
{
#ifdef __x86_64__
        if (try_32bit)
                CHECK_NUMBER(kill_32bit(other), -EPERM);
#endif
}

static void *wait_for_signal(void *userdata)
{
        while (caught < 5)
                (void) usleep(1000);
        return NULL;
}

static void own_threads_are_in_reach(void)
{
        struct rlimit limit;
        pthread_t thread;
        int fds[2];

        CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
        CHECK_NUMBER(raise(SIGUSR1), 0);
        CHECK_NUMBER(kill(getpid(), SIGUSR1), 0);
        CHECK_NUMBER(sigqueue(getpid(), SIGUSR1, (union sigval){ 0 }), 0);
        CHECK_NUMBER(syscall(SYS_tkill, getpid(), SIGUSR1), 0);
        CHECK_NUMBER(pthread_create(&thread, NULL, wait_for_signal, NULL), 0);
        CHECK_NUMBER(pthread_kill(thread, SIGUSR1), 0);
        CHECK_NUMBER(pthread_join(thread, NULL), 0);
        CHECK_NUMBER(caught, 5);

        CHECK_NUMBER(getrlimit(RLIMIT_NOFILE, &limit), 0);
        CHECK_NUMBER(setrlimit(RLIMIT_NOFILE, &limit), 0);
        CHECK_NUMBER(prlimit(getpid(), RLIMIT_NOFILE, NULL, &limit), 0);
        CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        CHECK_NUMBER(fcntl(fds[0], F_SETOWN, getpid()), 0);
        CHECK_NUMBER(fcntl(fds[0], F_SETOWN, 0), 0);
        CHECK_NUMBER(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
        CHECK_NUMBER(ioctl(fds[0], FIONREAD, &fds[1]), 0);
}

static void namespaces_are_out_of_reach(void)
{
        CHECK_REFUSED(unshare(CLONE_NEWUSER));
        CHECK_REFUSED(setns(-1, 0));
        CHECK_REFUSED(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
        CHECK_REFUSED(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, NULL));
        CHECK_REFUSED(mount("none", "/nowhere", "tmpfs", 0, NULL));
        CHECK_REFUSED(umount2("/nowhere", 0));
        CHECK_REFUSED(syscall(SYS_pivot_root, "/nowhere", "/nowhere"));
        CHECK_REFUSED(syscall(SYS_capset, NULL, NULL));
        CHECK_REFUSED(syscall(SYS_setuid, getuid()));
        CHECK_NUMBER(syscall(SYS_clone3, NULL, 0), -1);
        CHECK_NUMBER(errno, ENOSYS);
}

/* Of a QEMU that only listens. */
static void peers_are_out_of_reach(pid_t other)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons(9),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct iovec data = { .iov_base = "x", .iov_len = 1 };
        struct msghdr message = {
                .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &data, .msg_iovlen = 1
        };
        struct mmsghdr messages = { .msg_hdr = message };
        int fds[2], fd;
        char byte;

        CHECK_NUMBER(call_filter_install(CALL_FILTER_PEERS), 0);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(fd >= 0);
        CHECK_REFUSED(connect(fd, (struct sockaddr *) &address, sizeof(address)));
        CHECK_REFUSED(sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *) &address, sizeof(address)));
        CHECK_REFUSED(sendmsg(fd, &message, MSG_FASTOPEN | MSG_NOSIGNAL));
        CHECK_REFUSED(sendmmsg(fd, &messages, 1, MSG_FASTOPEN));
        CHECK_REFUSED(socket(AF_INET, SOCK_DGRAM, 0));
        CHECK_REFUSED(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        CHECK_REFUSED(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
        CHECK_REFUSED(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
        CHECK_REFUSED(socket(AF_INET6, SOCK_SEQPACKET, IPPROTO_SCTP));
        CHECK_REFUSED(socket(AF_INET, SOCK_DCCP, 0));

        /* what it listens on, and who connected, work */
        address.sin_port = 0;
        CHECK_NUMBER(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        CHECK_NUMBER(listen(fd, 1), 0);
        CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        CHECK_NUMBER(send(fds[0], "x", 1, MSG_NOSIGNAL), 1);
        CHECK_NUMBER(recv(fds[1], &byte, 1, 0), 1);
}

static void services_are_out_of_reach(void)
{
        int fds[2];

        CHECK_REFUSED(socket(AF_UNIX, SOCK_DGRAM, 0));
        CHECK_REFUSED(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        CHECK_REFUSED(socket(AF_UNIX, SOCK_SEQPACKET, 0));
        CHECK_REFUSED(socket(AF_UNIX, SOCK_RAW, 0)); /* which the kernel makes one for datagrams */
        CHECK_REFUSED(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
        CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
        CHECK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
}

/* What one table refuses is no matter of the other. */
static void tables_are_apart(pid_t other)
{
        CHECK_NUMBER(call_filter_install(CALL_FILTER_SIGNALS), 0);
        CHECK_NUMBER(umount2("/nowhere", 0), -1);
        CHECK(errno == ENOENT || errno == EPERM);
        CHECK_NUMBER(syscall(SYS_setuid, getuid()), 0);
        CHECK_REFUSED(kill(other, 0));
}

/* A process of its own: a filter cannot be undone. */
static void in_child(void (*tests)(pid_t other), pid_t other)
{
        pid_t pid = fork();
        int status;

        CHECK(pid >= 0);
        if (pid == 0) {
                tests(other);
                _exit(0);
        }
        CHECK_NUMBER(waitpid(pid, &status, 0), pid);
        CHECK_NUMBER(status, 0);
}

static void all_is_filtered(pid_t other)
{
        CHECK_NUMBER(
                call_filter_install(CALL_FILTER_SIGNALS | CALL_FILTER_NAMESPACES | CALL_FILTER_SERVICES), 0);
        CHECK_NUMBER(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
        others_are_out_of_reach(other);
        other_architectures_are_out(other);
        own_threads_are_in_reach();
        namespaces_are_out_of_reach();
        services_are_out_of_reach();
}

int main(void)
{
        pid_t other;
        int status;

        other = fork();
        CHECK(other >= 0);
        if (other == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        (void) pause();
        }

        /* so that what is refused is not for another reason */
        CHECK_NUMBER(kill(other, 0), 0);
#ifdef __x86_64__
        try_32bit = has_32bit_entry(other);
        if (!try_32bit)
                fprintf(stderr,
                        "This kernel has no 32-bit system calls; there is nothing to filter there.\n");
#endif
        in_child(all_is_filtered, other);
        in_child(tables_are_apart, other);
        in_child(peers_are_out_of_reach, other);
        CHECK_NUMBER(waitpid(other, &status, WNOHANG), 0);
        CHECK_NUMBER(kill(other, SIGKILL), 0);
        CHECK_NUMBER(waitpid(other, &status, 0), other);
        return 0;
}
