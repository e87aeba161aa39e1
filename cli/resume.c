/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl resume: lets a guest continue that is paused, sleeps, or was stopped, for example by a disk that was
 * full. machinectl has this verb since systemd 261, but not for users' guests.
 *
 * The launcher's control socket speaks Varlink; one call and its answer need no library. The launcher
 * answers when it has seen that the guest runs, or why not. It runs as the guest's user, so what it says is
 * made safe to print.
 */

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "util/file.h"

#define ANSWER_MAX     4096U
#define ANSWER_SECONDS 60

static const char call_text[] = "{\"method\":\"io.systemd.MachineInstance.Resume\",\"parameters\":{}}";

/* Reads up to the NUL that ends an answer. */
static int read_answer(int fd, char ret[static ANSWER_MAX])
{
        time_t end = time(NULL) + ANSWER_SECONDS;
        size_t n = 0;

        while (time(NULL) <= end) {
                ssize_t k = recv(fd, ret + n, ANSWER_MAX - n, 0);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                if (k == 0)
                        return -ECONNRESET;
                if (memchr(ret + n, '\0', (size_t) k))
                        return 0;
                n += (size_t) k;
                if (n == ANSWER_MAX)
                        return -EMSGSIZE;
        }
        return -ETIMEDOUT;
}

static int ask(int fd, json_t **ret)
{
        struct timeval patience = { .tv_sec = ANSWER_SECONDS };
        char answer[ANSWER_MAX];
        int r;

        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
                return -errno;
        r = file_write_all(fd, call_text, sizeof(call_text));
        if (r >= 0)
                r = read_answer(fd, answer);
        if (r < 0)
                return r;
        *ret = json_loads(answer, 0, NULL); /* takes an object or an array */
        return json_is_object(*ret) ? 0 : -EBADMSG;
}

int verb_resume(const Call *call)
{
        const char *guest = call->words[0], *error, *reason;
        _cleanup_(freep) char *shown = NULL;
        _cleanup_(closep) int fd = -EBADF;
        json_t *answer = NULL;
        bool missing;
        int r;

        r = connect_to_guest(call, "control", "is not running", &fd);
        if (r != 0)
                return r;
        r = ask(fd, &answer);
        if (r < 0) {
                json_decref(answer);
                return fail(EXIT_OS, "guest %s did not answer: %s", guest, strerror(-r));
        }
        error = json_string_value(json_object_get(answer, "error"));
        reason = json_string_value(json_object_get(json_object_get(answer, "parameters"), "reason"));
        missing = error && text_ends_with(error, ".NotConnected");
        shown = error ? strdup(reason ?: error) : NULL;
        json_decref(answer);
        if (!error)
                return EXIT_SUCCESS;
        if (shown)
                text_make_printable(shown);
        return fail(
                missing ? EXIT_MISSING : EXIT_OS, "cannot resume guest %s: %s", guest,
                shown ?: "out of memory");
}
