/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* More rights: by capabilities, other users, setuid programs, limits, namespaces and mounts. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attack.h"

/* From <sys/mount.h>, which cannot be included beside <linux/mount.h> everywhere. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);

static int raise_capability(const char *target, int capability)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { 0 };

        data[capability / 32].effective = data[capability / 32].permitted = 1U << (capability % 32);
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int raise_ambient(const char *target, int capability)
{
        return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0 ? -errno : 0;
}

static int become_user(const char *target, int uid)
{
        return syscall(SYS_setuid, uid) < 0 ? -errno : 0;
}

static int become_user_of_files(const char *target, int uid)
{
        (void) syscall(SYS_setfsuid, uid);
        return syscall(SYS_setfsuid, -1) == uid ? 0 : -EPERM;
}

static int become_group(const char *target, int gid)
{
        return syscall(SYS_setgid, gid) < 0 ? -errno : 0;
}

static int join_group(const char *target, int gid)
{
        gid_t group = (gid_t) gid;

        return syscall(SYS_setgroups, 1, &group) < 0 ? -errno : 0;
}

/* A setuid copy of test(1), which succeeds only as root. */
static int run_setuid(const char *target, int argument)
{
        char *arguments[] = { (char *) target, (char *) "-O", (char *) "/usr/bin/env", NULL },
             *environment[] = { NULL };
        int status;
        pid_t child = _Fork();

        if (child < 0)
                return -errno;
        if (child == 0) {
                (void) execve(target, arguments, environment);
                _exit(errno);
        }
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

static int raise_limit(const char *target, int resource)
{
        struct rlimit limit;

        if (getrlimit((unsigned) resource, &limit) < 0)
                return -errno;
        if (limit.rlim_max == RLIM_INFINITY)
                return 0;
        limit.rlim_max++;
        return setrlimit((unsigned) resource, &limit) < 0 ? -errno : 0;
}

static int become_faster(const char *target, int priority)
{
        return setpriority(PRIO_PROCESS, 0, priority) < 0 ? -errno : 0;
}

static int become_real_time(const char *target, int policy)
{
        struct sched_param parameters = { .sched_priority = 1 };

        return sched_setscheduler(0, policy, &parameters) < 0 ? -errno : 0;
}

static int new_namespace(const char *target, int flag)
{
        return unshare(flag) < 0 ? -errno : 0;
}

static int clone_into_namespace(const char *target, int flag)
{
        long pid = syscall(SYS_clone, (unsigned long) flag | SIGCHLD, NULL, NULL, NULL, NULL);

        if (pid == 0)
                _exit(EXIT_SUCCESS);
        return pid < 0 ? -errno : 0;
}

static int clone3_into_namespace(const char *target, int flag)
{
        struct clone_args arguments = { .flags = (uint64_t) flag, .exit_signal = SIGCHLD };
        long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

        if (pid == 0)
                _exit(EXIT_SUCCESS);
        return pid < 0 ? -errno : 0;
}

static int enter_namespace(const char *target, int flag)
{
        int fd = open(target, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return setns(fd, flag) < 0 ? -errno : 0;
}

static int enter_by_pidfd(const char *target, int flags)
{
        int fd = (int) syscall(SYS_pidfd_open, atoi(target), 0);

        if (fd < 0)
                return -errno;
        return setns(fd, flags) < 0 ? -errno : 0;
}

/* The kernel checks the permission first, and then that there is no such type or file. */
static int mount_type(const char *target, int argument)
{
        return mount("none", target, "attack-none", 0, NULL) < 0 && errno == EPERM ? -errno : 0;
}

static int mount_bound(const char *target, int argument)
{
        return mount("/attack-none", target, NULL, 1 << 12 /* MS_BIND */, NULL) < 0 && errno == EPERM
                       ? -errno
                       : 0;
}

static int mount_writable(const char *target, int argument)
{
        unsigned long flags = 1 << 5 | 1 << 12; /* MS_REMOUNT | MS_BIND */

        return mount(NULL, target, NULL, flags, NULL) < 0 && errno == EPERM ? -errno : 0;
}

static int unmount(const char *target, int argument)
{
        return umount2(target, 2 /* MNT_DETACH */) < 0 && errno == EPERM ? -errno : 0;
}

static int copy_mount(const char *target, int argument)
{
        return syscall(SYS_open_tree, AT_FDCWD, target, OPEN_TREE_CLONE | O_CLOEXEC) < 0 ? -errno : 0;
}

static int new_file_system(const char *target, int argument)
{
        return syscall(SYS_fsopen, target, 0) < 0 ? -errno : 0;
}

static int set_mount_attributes(const char *target, int argument)
{
        struct mount_attr attributes = { .attr_clr = MOUNT_ATTR_RDONLY };

        if (syscall(SYS_mount_setattr, AT_FDCWD, target, 0, &attributes, sizeof(attributes)) < 0)
                return errno == EPERM || errno == ENOSYS ? -errno : 0;
        return 0;
}

static int change_root(const char *target, int argument)
{
        return chroot(target) < 0 ? -errno : 0;
}

/* The target is not a mount point, which the kernel checks after the permission. */
static int pivot(const char *target, int argument)
{
        return syscall(SYS_pivot_root, target, target) < 0 && errno == EPERM ? -errno : 0;
}

/* A handle finds a file whether or not a mount shows it. */
static int open_by_handle(const char *target, int argument)
{
        struct {
                struct file_handle head;
                unsigned char rest[128];
        } handle = { .head.handle_bytes = sizeof(handle.rest) };
        int id, fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (name_to_handle_at(AT_FDCWD, target, &handle.head, &id, 0) < 0 && errno != EOPNOTSUPP)
                return -errno;
        if (open_by_handle_at(fd, &handle.head, O_RDONLY | O_CLOEXEC) < 0)
                return errno == EPERM ? -errno : 0;
        return 0;
}

const Attack attacks_on_privileges[] = {
        { "capability-admin", raise_capability, NULL, CAP_SYS_ADMIN, "EPERM" },
        { "capability-read", raise_capability, NULL, CAP_DAC_READ_SEARCH, "EPERM" },
        { "capability-ambient", raise_ambient, NULL, CAP_NET_ADMIN, "EPERM" },
        { "user-root", become_user, NULL, 0, "EPERM" },
        { "user-root-of-files", become_user_of_files, NULL, 0, "EPERM" },
        { "group-root", become_group, NULL, 0, "EPERM|EINVAL" },
        { "group-join", join_group, NULL, 0, "EPERM" },
        { "program-setuid", run_setuid, "{setuid-program}", 0, "EPERM" },
        { "limit-files", raise_limit, NULL, RLIMIT_NOFILE, "EPERM" },
        { "limit-core", raise_limit, NULL, RLIMIT_CORE, "EPERM" },
        { "limit-locked-memory", raise_limit, NULL, RLIMIT_MEMLOCK, "EPERM" },
        { "priority", become_faster, NULL, -20, "EPERM" },
        { "real-time", become_real_time, NULL, SCHED_FIFO, "EPERM" },
        { "namespace-user", new_namespace, NULL, CLONE_NEWUSER, "EPERM" },
        { "namespace-mount", new_namespace, NULL, CLONE_NEWNS, "EPERM" },
        { "namespace-network", new_namespace, NULL, CLONE_NEWNET, "EPERM" },
        { "namespace-pid", new_namespace, NULL, CLONE_NEWPID, "EPERM" },
        { "namespace-ipc", new_namespace, NULL, CLONE_NEWIPC, "EPERM" },
        { "namespace-uts", new_namespace, NULL, CLONE_NEWUTS, "EPERM" },
        { "namespace-cgroup", new_namespace, NULL, CLONE_NEWCGROUP, "EPERM" },
        { "namespace-clone", clone_into_namespace, NULL, CLONE_NEWUSER, "EPERM" },
        { "namespace-clone3", clone3_into_namespace, NULL, CLONE_NEWUSER, "ENOSYS" },
        { "namespace-enter-other", enter_by_pidfd, "{other-pid}", CLONE_NEWNS, "EPERM" },
        { "namespace-enter-parent", enter_by_pidfd, "{parent}", CLONE_NEWNET, "EPERM" },
        { "namespace-enter-system", enter_namespace, "/proc/1/ns/net", CLONE_NEWNET, "ENOENT|EACCES" },
        { "mount-new", mount_type, "/tmp", 0, "EPERM" },
        { "mount-bind", mount_bound, "/tmp", 0, "EPERM" },
        { "mount-writable", mount_writable, "/usr/bin", 0, "EPERM" },
        { "mount-remove", unmount, "/proc/self", 0, "EPERM" },
        { "mount-copy", copy_mount, "/", 0, "EPERM" },
        { "mount-file-system", new_file_system, "tmpfs", 0, "EPERM" },
        { "mount-attributes", set_mount_attributes, "/proc/self", 0, "EPERM" },
        { "root-change", change_root, "/", 0, "EPERM" },
        { "root-pivot", pivot, "/usr/bin", 0, "EPERM" },
        { "handle-open", open_by_handle, "/usr", 0, "EPERM|EACCES" },
        {},
};
