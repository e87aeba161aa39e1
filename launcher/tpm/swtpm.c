/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest's launcher looks for swtpm before it starts QEMU, and the TPM's unit runs it. The state is made
 * by swtpm_setup, which starts swtpm itself and asks the TPM to make its keys.
 */

#include "launcher/tpm/swtpm.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <unistd.h>

#include "launcher/run/process.h"
#include "launcher/stream/lines.h"
#include "log/log.h"
#include "util/file.h"

#define LAST_WORDS_MAX 4096 /* bytes of what swtpm_setup printed */

static const char *find_program(const char *const *paths)
{
        for (; *paths; paths++)
                if (access(*paths, X_OK) == 0)
                        return *paths;
        return NULL;
}

const char *swtpm_program(void)
{
        return find_program((const char *const[]){ "/usr/local/bin/swtpm", "/usr/bin/swtpm", NULL });
}

const char *swtpm_setup_program(void)
{
        return find_program(
                (const char *const[]){ "/usr/local/bin/swtpm_setup", "/usr/bin/swtpm_setup", NULL });
}

static void log_output_line(const char *text, size_t size, void *userdata)
{
        log_line(LOG_ERR, "swtpm_setup", text, size);
}

static void log_last_words(int fd)
{
        char text[LAST_WORDS_MAX];
        off_t size = lseek(fd, 0, SEEK_END);
        Lines lines = { 0 };
        size_t n;

        if (file_read_at(fd, text, sizeof(text), size > LAST_WORDS_MAX ? size - LAST_WORDS_MAX : 0, &n) < 0)
                return;
        lines_feed(&lines, text, n, log_output_line, NULL);
        lines_flush(&lines, log_output_line, NULL);
}

int swtpm_setup_run(const Strings *argv)
{
        _cleanup_(closep) int output = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        _cleanup_(freep) char *how = NULL;
        posix_spawn_file_actions_t actions;
        siginfo_t info;
        pid_t pid;
        int r;

        if (output < 0)
                return log_errno(LOG_ERR, -errno, "Cannot create a file in /tmp");
        r = -posix_spawn_file_actions_init(&actions);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot start swtpm_setup");
        r = -posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        r = r < 0 ? r : -posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        r = r < 0 ? r : -posix_spawn(&pid, argv->items[0], &actions, NULL, argv->items, environ);
        (void) posix_spawn_file_actions_destroy(&actions);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot start swtpm_setup");
        while (waitid(P_PID, (id_t) pid, &info, WEXITED) < 0)
                if (errno != EINTR)
                        return log_errno(LOG_ERR, -errno, "Cannot wait for swtpm_setup");
        if (info.si_code == CLD_EXITED && info.si_status == 0)
                return 0;
        log_last_words(output);
        how = process_describe_end(info.si_code, info.si_status);
        log_error("swtpm_setup %s.", how ?: "failed");
        return -EIO;
}
