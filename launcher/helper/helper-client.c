/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How the launcher of a user's guest calls its helper. systemd accepts descriptors for a unit's store only
 * from processes of that unit, so the launcher stores those that the helper opened. The helper is trusted:
 * it runs as the user, out of the guest's reach.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "launcher/errand/errand-agent.h"
#include "launcher/helper/helper.h"
#include "launcher/store/fd-store.h"
#include "log/log.h"
#include "util/text.h"

static int call(const char *path, HelperKind kind, int flags, int *ret)
{
        const HelperMessage request = { .kind = kind };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        r = errand_send(fd, &request, sizeof(request), -EBADF);
        if (r < 0)
                return r;
        *ret = TAKE_FD(fd);
        return 0;
}

static int take(Fds *fds, const char *name, int fd)
{
        fds_drop(fds, name);
        return fd < 0 ? 0 : fds_put(fds, name, fd);
}

static int take_all(int helper, Fds *fds)
{
        for (;;) {
                _cleanup_(closep) int fd = -EBADF;
                HelperMessage m;
                int r;

                r = errand_receive(helper, &m, sizeof(m), &fd);
                if (r < 0)
                        return r;
                if (m.kind == HELPER_DONE)
                        return m.exit_status;
                m.name[sizeof(m.name) - 1] = '\0';
                if ((m.kind != HELPER_STORE && m.kind != HELPER_REMOVE) ||
                    (m.kind == HELPER_STORE) != (fd >= 0))
                        return -EPROTO;
                r = store_tell(m.name, fd, NULL);
                r = r < 0 ? r : take(fds, m.name, TAKE_FD(fd));
                if (r < 0)
                        return r;
        }
}

int helper_prepare(const char *socket, Fds *fds)
{
        _cleanup_(closep) int helper = -EBADF;
        int r;

        r = call(socket, HELPER_PREPARE, 0, &helper);
        r = r < 0 ? r : take_all(helper, fds);
        return r < 0 ? log_errno(
                               LOG_ERR, r,
                               "Failed to call the guest's helper at %s. See the journal of its unit "
                               "vm-helper@.service",
                               socket)
                     : r;
}

void helper_register(const char *socket)
{
        _cleanup_(closep) int helper = -EBADF;
        int r;

        r = call(socket, HELPER_REGISTER, SOCK_NONBLOCK, &helper);
        if (r < 0)
                log_errno(
                        LOG_NOTICE, r,
                        "Not registering the guest with systemd-machined: cannot call the helper");
}
