/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the launcher, the helper and cleanup have given up is tried, and that they can still do their work.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "confine/allowed-calls.h"
#include "confine/landlock.h"
#include "launcher/rights/confine.h"
#include "tests/unit/process.h"
#include "tests/unit/test.h"
#include "util/text.h"

#define CHECK_FAILS(error, call)            \
        do {                                \
                errno = 0;                  \
                CHECK_NUMBER(call, -1);     \
                CHECK_NUMBER(errno, error); \
        } while (0)
#define CHECK_REFUSED(call) CHECK_FAILS(EPERM, call)

static pid_t bystander(void)
{
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0) {
                (void) pause();
                _exit(0);
        }
        return pid;
}

/* What no process of vmunit ever does. */
static void nobody_may(pid_t other)
{
        char *argv[] = { (char *) "/bin/true", NULL };
        struct rlimit limit = { 1, 1 };
        struct iovec vector = { 0 };

        CHECK_REFUSED(execv(argv[0], argv));
        CHECK_REFUSED(syscall(SYS_execveat, AT_FDCWD, argv[0], argv, NULL, 0));
        CHECK_REFUSED(unshare(CLONE_NEWNS));
        CHECK_REFUSED(setns(-1, 0));
        CHECK_REFUSED(mount("none", "/proc/self", "tmpfs", 0, NULL));
        CHECK_REFUSED(umount2("/proc/self", 0));
        CHECK_REFUSED(chroot("/"));
        CHECK_REFUSED(syscall(SYS_pivot_root, "/", "/"));
        CHECK_REFUSED(ptrace(PTRACE_SEIZE, other, NULL, NULL));
        CHECK_REFUSED(process_vm_readv(other, &vector, 1, &vector, 1, 0));
        CHECK_REFUSED(process_vm_writev(other, &vector, 1, &vector, 1, 0));
        CHECK_REFUSED(syscall(SYS_pidfd_getfd, -1, 0, 0));
        CHECK_REFUSED(syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0));
        CHECK_REFUSED(syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 0));
        CHECK_REFUSED(kill(other, 0));
        CHECK_REFUSED(kill(0, 0));
        CHECK_REFUSED(kill(-1, 0));
        CHECK_REFUSED(syscall(SYS_tgkill, other, other, 0));
        CHECK_REFUSED(syscall(SYS_tkill, other, 0));
        CHECK_REFUSED(prlimit(other, RLIMIT_CPU, NULL, &limit));
        CHECK_REFUSED(setpriority(PRIO_PROCESS, 0, 1));
        CHECK_REFUSED(syscall(SYS_bpf, 0, NULL, 0));
        CHECK_REFUSED(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
        CHECK_REFUSED(syscall(SYS_add_key, NULL, NULL, NULL, 0, 0));
        CHECK_REFUSED(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0));
        CHECK_REFUSED(syscall(SYS_userfaultfd, 0));
        CHECK_REFUSED(syscall(SYS_memfd_create, "x", 0));
        CHECK_REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
        CHECK_REFUSED(syscall(SYS_inotify_init1, 0));
        CHECK_REFUSED(syscall(SYS_shmget, 0, 4096, 0));
        CHECK_REFUSED(syscall(SYS_personality, 0));
        CHECK_REFUSED(socket(AF_INET, SOCK_STREAM, 0));
        CHECK_REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
        CHECK_REFUSED(socket(AF_VSOCK, SOCK_STREAM, 0));
        CHECK_REFUSED(ioctl(STDIN_FILENO, TIOCSTI, "x"));
        CHECK_REFUSED(setuid(0));
        CHECK_FAILS(ENOSYS, syscall(SYS_clone3, NULL, 0)); /* for glibc to fall back to clone() */
        CHECK_FAILS(ENOSYS, syscall(500));                 /* of a later kernel */
#ifdef __x86_64__
        CHECK_REFUSED(syscall(0x40000000 | SYS_getpid));
#endif
}

/* Whatever the process is. */
static void everybody_may(void)
{
        char text[8];
        int fds[2];
        void *p;

        CHECK(open("/dev/null", O_RDWR | O_CLOEXEC) >= 0);
        CHECK(readlink("/proc/self/exe", text, sizeof(text)) > 0);
        CHECK_NUMBER(pipe2(fds, O_CLOEXEC), 0);
        CHECK_NUMBER(write(fds[1], "x", 1), 1);
        CHECK_NUMBER(read(fds[0], text, 1), 1);
        CHECK(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
        p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(p != MAP_FAILED);
        CHECK_NUMBER(mprotect(p, 1 << 20, PROT_READ), 0);
        CHECK_NUMBER(munmap(p, 1 << 20), 0);
}

static void cannot_load_code(void)
{
        CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
        CHECK_NUMBER(errno, EPERM);
        CHECK_REFUSED(mprotect((void *) ((uintptr_t) text_format & ~4095UL), 4096, PROT_READ | PROT_EXEC));
}

static pid_t other, child;
static int directory;

static void test_launcher(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/bound", directory);
        r = confine_launcher(&child, 1, &directory, 1);
        CHECK_NUMBER(r, 0);
        nobody_may(other);
        cannot_load_code();
        CHECK_REFUSED(fork());
        CHECK_NUMBER(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        CHECK_NUMBER(listen(fd, 1), 0);
        CHECK_NUMBER(unlinkat(directory, "bound", 0), 0);
        CHECK_REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
        CHECK_REFUSED(fchown(directory, 0, 0));
        CHECK_REFUSED(chmod("/proc/self", 0));
        CHECK_REFUSED(mknodat(directory, "node", S_IFIFO, 0));
        CHECK_REFUSED(syscall(SYS_open_by_handle_at, -1, NULL, 0));
        CHECK_REFUSED(prctl(PR_SET_DUMPABLE, 1));
        CHECK_REFUSED(ioctl(fd, TUNSETIFF, NULL));
        CHECK_NUMBER(kill(child, 0), 0);
        CHECK_NUMBER(syscall(SYS_tgkill, getpid(), gettid(), 0), 0);
}

static void test_helper(void)
{
        int fd;

        CHECK_NUMBER(confine_helper(), 0);
        nobody_may(other);
        everybody_may();
        CHECK_REFUSED(kill(child, 0));
        CHECK_REFUSED(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
        CHECK(fd >= 0);
        CHECK_FAILS(EBADF, ioctl(-1, TUNGETIFF, NULL));
        CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
        in_child(everybody_may);
}

static void test_cleanup(void)
{
        CHECK_NUMBER(confine_cleanup(), 0);
        nobody_may(other);
        everybody_may();
        CHECK_REFUSED(ioctl(-1, TUNGETIFF, NULL));
        CHECK_REFUSED(accept4(-1, NULL, NULL, 0));
}

/* vm-broker-watch has the fewest. */
static void test_no_groups(void)
{
        CHECK_NUMBER(allowed_calls_install(0, NULL, 0), 0);
        CHECK_REFUSED(unlinkat(directory, "own", 0));
        CHECK_REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
        CHECK_REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }));
        CHECK_REFUSED(accept4(-1, NULL, NULL, 0));
        CHECK_REFUSED(prctl(PR_GET_DUMPABLE));
        cannot_load_code();
}

/* ——— files ——— */

static bool has_landlock(void)
{
        return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 0;
}

static void test_files(void)
{
        char path[64];
        int up, own, outside = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        CHECK_NUMBER(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        CHECK_NUMBER(landlock_keep_directories((int[]){ -EBADF, directory }, 2), 0);
        own = openat(directory, "own", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(own >= 0);
        CHECK_NUMBER(write(own, "x", 1), 1);
        CHECK_NUMBER(ftruncate(own, 0), 0);
        CHECK_NUMBER(renameat(directory, "own", directory, "renamed"), 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d/renamed", directory);
        CHECK(open(path, O_RDWR | O_TRUNC | O_CLOEXEC) >= 0);
        CHECK_NUMBER(unlinkat(directory, "renamed", 0), 0);

        CHECK_FAILS(EACCES, open("/etc/passwd", O_RDONLY | O_CLOEXEC));
        CHECK_FAILS(EACCES, openat(outside, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        up = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC); /* only a name */
        CHECK(up >= 0);
        CHECK_FAILS(EACCES, openat(up, "new", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        CHECK_FAILS(EACCES, openat(up, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        CHECK_FAILS(EACCES, mkdirat(up, "new", 0700));
        CHECK_FAILS(EACCES, symlinkat("/", up, "new"));
}

static void test_no_files(void)
{
        struct sockaddr_in {
                sa_family_t family;
                char rest[14];
        } address = { .family = AF_INET };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
            null = open("/dev/null", O_RDWR | O_CLOEXEC);

        CHECK_NUMBER(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        CHECK_NUMBER(landlock_keep_directories(NULL, 0), 0);
        CHECK_FAILS(EACCES, openat(directory, "own", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        CHECK_FAILS(EACCES, open("/dev/null", O_RDWR | O_CLOEXEC));
        CHECK_NUMBER(write(null, "x", 1), 1);
        if (fd >= 0 && syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 4)
                CHECK_FAILS(EACCES, bind(fd, (struct sockaddr *) &address, sizeof(address)));
}

static char *proc_path(pid_t pid, const char *name)
{
        static char path[64];

        snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, name);
        return path;
}

static void test_processes(void)
{
        static const char *const of_others[] = { "",     "cmdline", "environ", "fd",
                                                 "maps", "ns/mnt",  "root/",   "status" };
        int null, own, pinned = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

        CHECK(pinned >= 0);
        CHECK(open(proc_path(other, "status"), O_RDONLY | O_CLOEXEC) >= 0);
        CHECK_NUMBER(kill(other, 0), 0);
        CHECK_NUMBER(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        CHECK_NUMBER(landlock_hide_processes(), 0);

        for (size_t i = 0; i < sizeof(of_others) / sizeof(of_others[0]); i++)
                CHECK_FAILS(EACCES, open(proc_path(other, of_others[i]), O_RDONLY | O_CLOEXEC));
        CHECK_FAILS(EACCES, open(proc_path(other, "oom_score_adj"), O_WRONLY | O_CLOEXEC));
        CHECK_FAILS(EACCES, open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        CHECK_REFUSED(ptrace(PTRACE_SEIZE, other, NULL, NULL));
        if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 6)
                CHECK_REFUSED(kill(other, 0));

        CHECK_NUMBER(kill(getpid(), 0), 0);
        CHECK(open("/proc/self/status", O_RDONLY | O_CLOEXEC) >= 0);
        CHECK(open("/proc/self/comm", O_WRONLY | O_CLOEXEC) >= 0);
        CHECK(open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        CHECK(null >= 0);
        CHECK(open("/bin/sh", O_RDONLY | O_CLOEXEC) >= 0);
        own = openat(directory, "own", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(own >= 0);
        CHECK_NUMBER(mkdirat(directory, "below", 0700), 0);
        CHECK_NUMBER(renameat(directory, "own", directory, "below/own"), 0);
        CHECK_NUMBER(unlinkat(directory, "below/own", 0), 0);
        CHECK_NUMBER(unlinkat(directory, "below", AT_REMOVEDIR), 0);
}

static void test_programs(void)
{
        CHECK_NUMBER(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        CHECK_NUMBER(landlock_keep_programs("/opt/none"), 0);
        CHECK_FAILS(EACCES, open("/etc/passwd", O_RDONLY | O_CLOEXEC));
        CHECK(open("/dev/null", O_RDWR | O_CLOEXEC) >= 0);
        CHECK_FAILS(EACCES, open("/dev/zero", O_RDONLY | O_CLOEXEC));
        CHECK_FAILS(EACCES, open("/proc/self/status", O_RDONLY | O_CLOEXEC));
        CHECK_FAILS(EACCES, openat(directory, "own", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        CHECK_FAILS(EACCES, open("/bin/sh", O_RDWR | O_CLOEXEC));
        CHECK_NUMBER(execl("/bin/sh", "sh", "-c", "exit 0", NULL), 0);
}

int main(void)
{
        char path[] = "/tmp/test-confine-XXXXXX";

        CHECK(mkdtemp(path));
        directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        CHECK(directory >= 0);
        other = bystander();
        child = bystander();
        in_child(test_launcher);
        in_child(test_helper);
        in_child(test_cleanup);
        in_child(test_no_groups);
        if (has_landlock()) {
                in_child(test_files);
                in_child(test_no_files);
                in_child(test_processes);
                in_child(test_programs);
        }
        CHECK_NUMBER(kill(other, SIGKILL), 0);
        CHECK_NUMBER(kill(child, SIGKILL), 0);
        CHECK_NUMBER(waitpid(other, NULL, 0), other);
        CHECK_NUMBER(waitpid(child, NULL, 0), child);
        CHECK_NUMBER(rmdir(path), 0);
        return 0;
}
