/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest whose file systems stay frozen hangs, and its agent does not thaw them by itself. So a child thaws
 * them when its parent says so, or is gone: it waits for the end of a pipe that only the parent holds open.
 */

#include "cli/disk/freeze.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/exit.h"

#define ANSWERS_SECONDS 3  /* an agent that runs answers at once */
#define FREEZE_SECONDS  30 /* what is in the guest's memory has to reach its disks */
#define THAW_SECONDS    30

/* 0, -ENOTSUP without an agent, or another error; *ret_reason: what the agent says, or NULL. */
static int ask(const Call *call, const char *command, int seconds, char **ret_reason)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        const char *error, *reason;
        json_t *answer = NULL;
        int r;

        *ret_reason = NULL;
        if (client_open(call, &c) != 0)
                return -ECONNREFUSED;
        r = client_send(
                &c, "org.vmunit.Guest.Agent",
                json_pack("{s:s, s:i}", "execute", command, "timeout", seconds), 0, (ClientFds){ 0 });
        r = r < 0 ? r : client_receive(&c, (unsigned) seconds + 5, &answer);
        error = json_string_value(json_object_get(answer, "error"));
        reason = json_string_value(json_object_get(json_object_get(answer, "parameters"), "reason"));
        if (error)
                r = text_ends_with(error, ".NotSupported") ? -ENOTSUP : -EIO;
        *ret_reason = reason ? client_text(reason) : NULL;
        json_decref(answer);
        return r;
}

static int thaw(const Call *call, int line)
{
        _cleanup_(freep) char *reason = NULL;
        char byte;
        int r;

        (void) setsid(); /* what ends the parent at its terminal does not end it */
        (void) signal(SIGINT, SIG_IGN);
        (void) signal(SIGHUP, SIG_IGN);
        (void) signal(SIGTERM, SIG_IGN);
        while (read(line, &byte, 1) < 0 && errno == EINTR)
                ;
        r = ask(call, "guest-fsfreeze-thaw", THAW_SECONDS, &reason);
        if (r < 0)
                (void) fail(
                        EXIT_OS, "the agent of guest %s does not thaw its file systems: %s", call->words[0],
                        reason ?: strerror(-r));
        return r < 0 ? EXIT_OS : EXIT_SUCCESS;
}

static int start_guard(const Call *call, Freeze *freeze)
{
        int line[2];
        pid_t child;

        if (pipe2(line, O_CLOEXEC) < 0)
                return -errno;
        child = fork();
        if (child == 0) {
                (void) close(line[1]);
                _exit(thaw(call, line[0]));
        }
        (void) close(line[0]);
        if (child < 0) {
                (void) close(line[1]);
                return -errno;
        }
        *freeze = (Freeze){ .guard = child, .line = line[1] };
        return 0;
}

void freeze_begin(const Call *call, Freeze *freeze)
{
        _cleanup_(freep) char *reason = NULL, *why = NULL;
        int r = ask(call, "guest-ping", ANSWERS_SECONDS, &reason);

        if (r < 0) /* it has none, or none that runs */
                return;
        r = start_guard(call, freeze);
        r = r < 0 ? r : ask(call, "guest-fsfreeze-freeze", FREEZE_SECONDS, &why);
        if (r >= 0)
                return;
        fprintf(stderr,
                "vmctl: the guest's agent does not freeze its file systems, so what they write at the "
                "moment may be missing: %s\n",
                why ?: strerror(-r));
        (void) freeze_end(freeze);
        freeze->guard = 0;
}

bool freeze_end(Freeze *freeze)
{
        bool was = freeze->guard > 0;

        freeze->line = fd_close(freeze->line);
        while (was && waitpid(freeze->guard, NULL, 0) < 0 && errno == EINTR)
                ;
        return was;
}
