/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A library that is preloaded into the launcher of a guest. When the launcher says that the guest is ready,
 * this makes some attempts in its place, and then lets it go on. Each that succeeds is a line on stderr.
 * Which ones are refused in other processes of vmunit, and with which errors, the unit tests try.
 */

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS_MAX 256

typedef int (*Notify)(int unset, const char *state);

__attribute__((visibility("default"))) int sd_notify(int unset, const char *state);

static unsigned refused;

static void tried(const char *what, int result)
{
        if (result < 0)
                refused++;
        else
                fprintf(stderr, "launcher: %s succeeded\n", what);
}

/* What lies above and beside the guest's own directories on the host. */
static void leave(int directory)
{
        static const char *const names[] = { "..", "../victim", "../../../etc/shadow", "../../../etc/passwd",
                                             "../.." };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                tried(names[i], openat(directory, names[i], O_RDONLY | O_CLOEXEC));
        tried("mkdir ../new", mkdirat(directory, "../new", 0700));
        tried("link to another guest", linkat(directory, "../victim/control", directory, "linked", 0));
}

/* So that the others are not refused for another reason. */
static void stay(int directory)
{
        int fd = openat(directory, "attempt", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0 || write(fd, "x", 1) != 1 || unlinkat(directory, "attempt", 0) < 0)
                fprintf(stderr, "launcher: its own directory failed: %s\n", strerror(errno));
        else
                fprintf(stderr, "launcher: its own directory can be used\n");
        (void) close(fd);
}

static void attempts(void)
{
        char *argv[] = { (char *) "/usr/bin/true", NULL };
        struct stat st;

        for (int fd = 3; fd < FDS_MAX; fd++)
                if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
                        stay(fd);
                        leave(fd);
                }
        tried("reading a file of the sandbox", open("/usr/bin/true", O_RDONLY | O_CLOEXEC));
        tried("writing to /dev/shm", open("/dev/shm/new", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        tried("listing processes", open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        tried("execve", execv(argv[0], argv));
        tried("fork", fork());
        tried("executable memory",
              mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
                                                                                                        : 0);
        tried("a network socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        tried("dumpable", prctl(PR_SET_DUMPABLE, 1));
        tried("a signal to all", kill(-1, 0));
        tried("a signal to the first process", kill(1, 0));
        fprintf(stderr, "launcher: %u attempts refused\n", refused);
}

int sd_notify(int unset, const char *state)
{
        Notify next = (Notify) dlsym(RTLD_NEXT, "sd_notify");

        if (strncmp(state, "READY=1", strlen("READY=1")) == 0)
                attempts();
        return next ? next(unset, state) : -ENOSYS;
}
