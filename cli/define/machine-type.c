/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Only QEMU itself knows its machine types: distributions add their own. So it is run once while a guest is
 * defined. The XML names the program, and whoever wrote the XML need not be trusted: only a QEMU that root
 * installed is run, and never as root.
 */

#include "cli/define/machine-type.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/file.h"
#include "util/text.h"

#define NOBODY      65534
#define PATIENCE_MS 20000       /* loading QEMU from a cold disk takes one or two seconds */
#define ANSWER_MAX  (64U << 10) /* QEMU 10 prints 7 KiB */

int machine_type_find(const char *help, const char *alias, char **ret)
{
        static const char begin[] = "(alias of ";
        size_t n = strlen(alias);

        for (const char *line = help; line && *line;
             line = strchr(line, '\n') ?: "", line += *line == '\n') {
                size_t length = strcspn(line, "\n");
                const char *found;

                if (strncmp(line, alias, n) != 0 || line[n] != ' ')
                        continue;
                found = memmem(line, length, begin, strlen(begin));
                if (!found)
                        return 0;
                found += strlen(begin);
                *ret = strndup(found, strcspn(found, ")\n"));
                return *ret ? 1 : -ENOMEM;
        }
        return 0;
}

static bool is_qemu(const char *path)
{
        const char *name = strrchr(path, '/') + 1;
        struct stat st;

        return (text_after(name, "qemu-system-") || streq(name, "qemu-kvm")) && stat(path, &st) >= 0 &&
               S_ISREG(st.st_mode) && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* In the child; returns only on failure. */
static void run(const char *path, int output)
{
        static const struct rlimit no_core = { 0, 0 }, cpu = { PATIENCE_MS / 1000, PATIENCE_MS / 1000 };
        char *argv[] = { (char *) path, (char *) "-machine", (char *) "help", NULL };
        char *environment[] = { (char *) "LC_ALL=C", NULL };
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
            dup2(null, STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, UINT_MAX, 0) < 0)
                return;
        if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                               setresuid(NOBODY, NOBODY, NOBODY) < 0))
                return;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
            setrlimit(RLIMIT_CORE, &no_core) < 0 || setrlimit(RLIMIT_CPU, &cpu) < 0 || chdir("/") < 0)
                return;
        (void) execve(path, argv, environment);
}

static int ask(const char *path, char answer[static ANSWER_MAX])
{
        _cleanup_(closep) int reading = -EBADF, writing = -EBADF;
        int pipe_fds[2], status, r;
        pid_t child;

        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        reading = pipe_fds[0];
        writing = pipe_fds[1];
        child = fork();
        if (child < 0)
                return -errno;
        if (child == 0) {
                run(path, writing);
                _exit(EXIT_FAILURE);
        }
        (void) close(TAKE_FD(writing));
        r = file_read_pipe(reading, answer, ANSWER_MAX, PATIENCE_MS);
        if (r < 0)
                (void) kill(child, SIGKILL);
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return r < 0 ? r : status == 0 ? 0 : -ENOEXEC;
}

int machine_type_resolve(const char *emulator, const char *alias, char **ret)
{
        _cleanup_(freep) char *path = realpath(emulator, NULL), *answer = NULL;
        int r;

        if (!path)
                return -errno;
        if (!is_qemu(path))
                return -EPERM;
        answer = malloc(ANSWER_MAX);
        if (!answer)
                return -ENOMEM;
        r = ask(path, answer);
        return r < 0 ? r : machine_type_find(answer, alias, ret);
}
