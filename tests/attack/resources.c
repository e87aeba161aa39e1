/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What guests share: space, processes, and what the kernel counts by user. A limit must be reached before
 * other guests notice. The attempt gives back all that it used.
 */

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/attack/attack.h"

#define MIB (1024LL * 1024)

/* More than that many MiB in a directory. */
static int fill(const char *target, int mib)
{
        char path[2048];
        int fd, r;

        (void) snprintf(path, sizeof(path), "%s/attack-large", target);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = posix_fallocate(fd, 0, mib * MIB);
        (void) unlink(path);
        return -r;
}

/* More than that many files in a directory. */
static int fill_with_files(const char *target, int files)
{
        int directory = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC), made, r = 0;
        char name[32];

        if (directory < 0)
                return -errno;
        for (made = 0; r == 0 && made < files; made++) {
                (void) snprintf(name, sizeof(name), "attack-%d", made);
                if (mknodat(directory, name, S_IFREG | 0600, 0) < 0)
                        r = -errno;
        }
        for (int i = 0; i < made; i++) {
                (void) snprintf(name, sizeof(name), "attack-%d", i);
                (void) unlinkat(directory, name, 0);
        }
        return r;
}

static int fork_many(const char *target, int processes)
{
        int pipe_fds[2], made, r = 0;

        if (pipe(pipe_fds) < 0)
                return -errno;
        for (made = 0; r == 0 && made < processes; made++) {
                pid_t child = _Fork();
                char byte;

                if (child == 0) { /* until all are there */
                        (void) close(pipe_fds[1]);
                        _exit(read(pipe_fds[0], &byte, 1) != 0);
                }
                if (child < 0)
                        r = -errno;
        }
        (void) close(pipe_fds[0]);
        (void) close(pipe_fds[1]);
        while (waitpid(-1, NULL, 0) > 0)
                ;
        return r;
}

static int fork_one(const char *target, int argument)
{
        return fork_many(target, 1);
}

/* Descriptors that were sent and not received; the kernel counts them by user. */
static int send_descriptors(const char *target, int descriptors)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(200 * sizeof(int))];
        } control = { .header = { .cmsg_len = CMSG_LEN(200 * sizeof(int)),
                                  .cmsg_level = SOL_SOCKET,
                                  .cmsg_type = SCM_RIGHTS } };
        char byte = 0;
        struct iovec data = { &byte, 1 };
        struct msghdr message = { .msg_iov = &data,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = CMSG_LEN(200 * sizeof(int)) };
        int sent = 0, fds[2] = { -1, -1 }, all[200];

        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
                all[i] = STDERR_FILENO;
        memcpy(CMSG_DATA(&control.header), all, sizeof(all));
        while (sent < descriptors) {
                if (fds[0] < 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
                        return -errno;
                if (sendmsg(fds[0], &message, 0) >= 0)
                        sent += 200;
                else if (errno == EAGAIN)
                        fds[0] = -1; /* this one is full */
                else
                        return -errno;
        }
        return 0;
}

static int queue_signals(const char *target, int signals)
{
        sigset_t set;
        timer_t timer;
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGRTMIN);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        for (int i = 0; i < signals; i++) /* each timer has a signal reserved */
                if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
                        return -errno;
        return 0;
}

static int watch_many(const char *target, int instances)
{
        for (int i = 0; i < instances; i++)
                if (inotify_init1(IN_CLOEXEC) < 0)
                        return -errno;
        return 0;
}

static int lock_memory(const char *target, int mib)
{
        void *p =
                mmap(NULL, (size_t) (mib * MIB), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return -errno;
        return mlock(p, (size_t) (mib * MIB)) < 0 ? -errno : 0;
}

static int queue_messages(const char *target, int queues)
{
        struct mq_attr attributes = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
        int made, r = 0;
        char name[32];

        for (made = 0; r == 0 && made < queues; made++) {
                (void) snprintf(name, sizeof(name), "/attack-%d", made);
                if (mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes) < 0)
                        r = -errno;
        }
        for (int i = 0; i < made; i++) {
                (void) snprintf(name, sizeof(name), "/attack-%d", i);
                (void) mq_unlink(name);
        }
        return r;
}

const Attack attacks_on_resources[] = {
        { "fill-run", fill, "{own-run}", 128, "EACCES|EROFS|ENOENT|ENOSPC" },
        { "fill-state", fill, "{own-state}", 128, "ENOENT" },
        { "fill-tmp", fill, "/tmp", 128, "EROFS" },
        { "fill-var-tmp", fill, "/var/tmp", 128, "EROFS" },
        { "fill-shared-memory", fill, "/dev/shm", 128, "ENOSPC" },
        { "files-run", fill_with_files, "{own-run}", 20000, "EACCES|EROFS|ENOENT|ENOSPC" },
        { "files-state", fill_with_files, "{own-state}", 20000, "ENOENT" },
        { "files-tmp", fill_with_files, "/tmp", 20000, "EROFS" },
        { "files-var-tmp", fill_with_files, "/var/tmp", 20000, "EROFS" },
        { "files-shared-memory", fill_with_files, "/dev/shm", 20000, "ENOSPC" },
        { "processes-one", fork_one, NULL, 0, "succeeded" },
        { "processes-many", fork_many, NULL, 1000, "succeeded" },
        { "descriptors-in-flight", send_descriptors, NULL, 40000, "ETOOMANYREFS" },
        { "signals-queued", queue_signals, NULL, 1000, "EAGAIN" },
        { "inotify-instances", watch_many, NULL, 1000, "EPERM" },
        { "memory-locked", lock_memory, NULL, 64, "ENOMEM" },
        { "message-queues", queue_messages, NULL, 100, "EMFILE|EACCES" },
        {},
};
