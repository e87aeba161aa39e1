/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A library that is preloaded into the real QEMU. It runs the attempts where QEMU stands: with the
 * user, sandbox and descriptors that QEMU was started with, and then lets QEMU go on.
 *
 * QEMU's own -sandbox is a system call filter, which QEMU installs early with seccomp_load(). This library
 * has a function of that name, which is called instead. So an attempt can also have QEMU's own filter: each
 * runs in a child, which installs the filter first. The filter kills a process that does what it forbids,
 * and that is a result.
 *
 * What the attempts are aimed at is in a file of lines KEY=VALUE (see TARGETS). One of them is for this
 * file: with filter=qemu the attempts have QEMU's own filter, if QEMU has one. Without that file the library
 * does nothing.
 *
 * Each attempt is a line on stderr: "attack: NAME RESULT", and "instead of EXPECTED" if it is another one.
 * RESULT is the name of an error or of a signal, "succeeded", or "-" if it is not applicable.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attack.h"

#define TARGETS         "/usr/local/lib/vmunit-attack/targets"
#define ATTEMPT_SECONDS 30

typedef int (*Load)(void *filter);

static char targets[16384];

static const Attack *const tables[] = {
        attacks_on_controls, attacks_on_files,      attacks_on_own_files, attacks_on_processes,
        attacks_on_kernel,   attacks_on_privileges, attacks_on_sockets,   attacks_on_resources,
};

const char *attack_target(const char *key)
{
        static char value[1024];
        size_t length = strlen(key);

        for (const char *line = targets; *line; line += strcspn(line, "\n"), line += *line == '\n')
                if (strncmp(line, key, length) == 0 && line[length] == '=') {
                        (void) snprintf(
                                value, sizeof(value), "%.*s", (int) strcspn(line + length + 1, "\n"),
                                line + length + 1);
                        return value;
                }
        return NULL;
}

static bool is_target(const char *key, const char *value)
{
        const char *actual = attack_target(key);

        return actual && strcmp(actual, value) == 0;
}

static bool read_targets(void)
{
        int fd = open(TARGETS, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, targets, sizeof(targets) - 64);

        if (fd >= 0)
                (void) close(fd);
        if (n < 0)
                return false;
        (void) snprintf(
                targets + n, sizeof(targets) - (size_t) n, "own-pid=%d\nparent=%d\n", getpid(), getppid());
        return true;
}

/* Whether it could be expanded. */
static bool expand(const char *template, char *ret, size_t size)
{
        size_t n = 0;

        for (const char *p = template ? template : ""; *p; p++) {
                const char *value;
                char key[64];

                if (*p != '{') {
                        n += (size_t) snprintf(ret + n, size - n, "%c", *p);
                        continue;
                }
                (void) snprintf(key, sizeof(key), "%.*s", (int) strcspn(p + 1, "}"), p + 1);
                p += strlen(key) + 1;
                value = attack_target(key);
                if (!value)
                        return false;
                n += (size_t) snprintf(ret + n, size - n, "%s", value);
        }
        ret[n] = '\0';
        return true;
}

static void __attribute__((noreturn)) try_in_child(const Attack *a, Load load, void *filter, int result_fd)
{
        char target[2048];
        int result;

        (void) alarm(ATTEMPT_SECONDS);
        result = expand(a->target, target, sizeof(target)) ? 0 : NOT_APPLICABLE;
        if (result == 0 && load && load(filter) < 0)
                _exit(EXIT_FAILURE);
        if (result == 0)
                result = a->attempt(target, a->argument);
        if (write(result_fd, &result, sizeof(result)) < 0)
                _exit(EXIT_FAILURE);
        _exit(EXIT_SUCCESS);
}

/* fork() would also run QEMU's handlers, which start a thread in the child. */
static const char *try(const Attack *a, Load load, void *filter)
{
        int fds[2], result, status;
        ssize_t n;
        pid_t child;

        if (pipe2(fds, O_CLOEXEC) < 0)
                abort();
        child = _Fork();
        if (child < 0)
                abort();
        if (child == 0)
                try_in_child(a, load, filter, fds[1]);
        (void) close(fds[1]);
        n = read(fds[0], &result, sizeof(result));
        (void) close(fds[0]);
        if (waitpid(child, &status, 0) < 0)
                abort();
        if (n == (ssize_t) sizeof(result) && result == NOT_APPLICABLE)
                return "-";
        if (n == (ssize_t) sizeof(result) && result != 0)
                return strerrorname_np(-result);
        if (n != (ssize_t) sizeof(result) && WIFSIGNALED(status)) {
                static char name[32];

                (void) snprintf(name, sizeof(name), "SIG%s", sigabbrev_np(WTERMSIG(status)));
                return name;
        }
        /* an attempt that executed something ends without a result */
        return "succeeded";
}

static bool is_one_of(const char *result, const char *names)
{
        size_t length = strlen(result);

        for (const char *p = names; *p; p += strcspn(p, "|"), p += *p == '|')
                if (strncmp(p, result, length) == 0 && (p[length] == '|' || p[length] == '\0'))
                        return true;
        return false;
}

/* QEMU's own filter comes before the sandbox, and refuses in its own way. */
static bool is_expected(const char *result, const Attack *table, const char *expected, bool has_filter)
{
        if (is_one_of(result, "-"))
                return true;
        if (is_one_of("known", expected))
                return is_one_of(result, "succeeded");
        if (!has_filter || table == attacks_on_controls)
                return is_one_of(result, expected);
        return is_one_of(result, "SIGSYS|EPERM|ENOSYS") ||
               (is_one_of(result, expected) && !is_one_of(result, "succeeded"));
}

static void run_attacks(Load load, void *filter)
{
        unsigned n = 0;

        for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
                for (const Attack *a = tables[i]; a->name; a++) {
                        const char *result = try(a, load, filter);

                        n++;
                        if (is_expected(result, tables[i], a->expected, load))
                                (void) dprintf(STDERR_FILENO, "attack: %s %s\n", a->name, result);
                        else
                                (void) dprintf(
                                        STDERR_FILENO, "attack: %s %s instead of %s\n", a->name, result,
                                        a->expected);
                }
        (void) dprintf(STDERR_FILENO, "attacks: %u\n", n);
}

static bool has_own_filter(void)
{
        char arguments[65536];
        int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, arguments, sizeof(arguments));

        if (fd >= 0)
                (void) close(fd);
        return n > 0 && memmem(arguments, (size_t) n, "\0-sandbox", sizeof("\0-sandbox"));
}

static void __attribute__((constructor)) begin(void)
{
        (void) unsetenv("LD_PRELOAD");
        if (read_targets() && !(is_target("filter", "qemu") && has_own_filter()))
                run_attacks(NULL, NULL);
}

int __attribute__((visibility("default"))) seccomp_load(void *filter);

int seccomp_load(void *filter)
{
        Load load = (Load) dlsym(RTLD_NEXT, "seccomp_load");

        if (!load)
                abort();
        if (is_target("filter", "qemu"))
                run_attacks(load, filter);
        return load(filter);
}
