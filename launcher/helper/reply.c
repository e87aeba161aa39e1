/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The helper's side of its conversation with a guest's launcher, message by message. */

#include "launcher/helper/reply.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "launcher/errand/errand-agent.h"
#include "log/log.h"
#include "util/ownership.h"

/* ——— replies ——— */

int helper_reply(int caller, HelperMessage *m, const char *text, int fd)
{
        if (strlen(text) >= sizeof(m->text))
                return -ENAMETOOLONG;
        strcpy(m->text, text);
        return errand_send(caller, m, sizeof(*m), fd);
}

int helper_reply_done(int caller, int exit_status)
{
        int r = helper_reply(caller, &(HelperMessage){ HELPER_DONE, exit_status, "" }, "", -EBADF);

        return r < 0 ? log_errno(LOG_ERR, r, "Failed to reply to the guest's launcher") : 0;
}

int helper_store(const char *name, int fd, void *userdata)
{
        HelperMessage m = { .kind = fd >= 0 ? HELPER_STORE : HELPER_REMOVE };
        const int *caller = userdata;
        int r;

        r = helper_reply(*caller, &m, name, fd);
        return r < 0 ? log_errno(
                               LOG_ERR, r, "Failed to send the guest's launcher the file descriptor %s",
                               name)
                     : 0;
}

/* The guest's own unit shows it, where people look. */
void helper_wait(const char *what, void *userdata)
{
        const int *caller = userdata;

        (void) helper_reply(*caller, &(HelperMessage){ .kind = HELPER_STATUS }, what, -EBADF);
}

/* ——— requests ——— */

/* -EPIPE if the launcher has ended, which then logged why. */
int helper_receive_any(int caller, HelperMessage *ret)
{
        _cleanup_(closep) int unwanted = -EBADF;
        int r;

        r = errand_receive(caller, ret, sizeof(*ret), &unwanted);
        if (r == -ECONNRESET) /* it ended before it read our reply */
                r = -EPIPE;
        if (r < 0 && r != -EPIPE)
                log_errno(LOG_ERR, r, "Failed to receive a request of the guest's launcher");
        ret->text[sizeof(ret->text) - 1] = '\0';
        return r;
}

int helper_expect(const HelperMessage *m, HelperKind expected)
{
        return m->kind == expected
                       ? 0
                       : log_errno(LOG_ERR, -EPROTO, "The guest's launcher requests something unexpected");
}

int helper_receive(int caller, HelperKind expected, HelperMessage *ret)
{
        int r = helper_receive_any(caller, ret);

        return r < 0 ? r : helper_expect(ret, expected);
}

/* The launcher may have to wait for the file system of the guest's state, and for QEMU. Its end is noticed.
 */
int helper_wait_without_limit(int caller)
{
        const struct timeval no_limit = { 0 };

        return setsockopt(caller, SOL_SOCKET, SO_RCVTIMEO, &no_limit, sizeof(no_limit)) < 0
                       ? log_errno(LOG_ERR, -errno, "Failed to change the time limit of a connection")
                       : 0;
}
