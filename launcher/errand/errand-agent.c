/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The child's side of errands: it runs as the guest's user, without any capability. Whatever a file or
 * directory tricks it into, that user could have done without it, and it can harm only that user's guests.
 * It logs nothing, because only the parent knows what an errand is for. It trusts the parent.
 */

#include "launcher/errand/errand-agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "contract/limits.h"
#include "launcher/errand/path.h"
#include "launcher/rights/privileges.h"
#include "util/file.h"
#include "util/text.h"

static int serve_access(const ErrandRequest *request, int fd, ErrandReply *reply, int *ret_fd)
{
        return faccessat(fd, "", request->mode, AT_EMPTY_PATH | AT_EACCESS) < 0 ? -errno : 0;
}

static int serve_reopen(const ErrandRequest *request, int fd, ErrandReply *reply, int *ret_fd)
{
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
                return -EMEDIUMTYPE; /* opening a FIFO blocks, and opening a device may have effects */
        r = path_reopen(fd, request->mode | O_NOCTTY);
        if (r < 0)
                return r;
        *ret_fd = r;
        return 0;
}

static int serve_open(const ErrandRequest *request, int fd, ErrandReply *reply, int *ret_fd)
{
        _cleanup_(closep) int found = -EBADF;

        found = openat(fd, request->path, O_PATH | O_CLOEXEC);
        if (found < 0)
                return -errno;
        return serve_reopen(request, found, reply, ret_fd);
}

/*
 * Whoever can write there can put links anywhere, so none is followed. (openat2(2) could do that, but
 * containers often have no such call.)
 */
static int serve_open_below(const ErrandRequest *request, int fd, ErrandReply *reply, int *ret_fd)
{
        _cleanup_(closep) int found = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        const char *p = request->path;

        while (found >= 0 && *p) {
                size_t n = strcspn(p, "/");
                char name[NAME_MAX + 1];
                int next;

                if (n >= sizeof(name))
                        return -ENAMETOOLONG;
                memcpy(name, p, n);
                name[n] = '\0';
                p += n + strspn(p + n, "/");
                if (streq(name, ".") || streq(name, ".."))
                        return -EINVAL;
                next = openat(found, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                (void) fd_close(found);
                found = next;
        }
        return found < 0 ? -errno : serve_reopen(request, found, reply, ret_fd);
}

static int nameless = -EBADF; /* the last one, until it gets a name */

static int serve_create(const ErrandRequest *request, int fd, ErrandReply *reply, int *ret_fd)
{
        if (!*request->path) {
                *ret_fd = file_create_nameless(fd);
                if (*ret_fd < 0)
                        return *ret_fd;
                nameless = fd_close(nameless);
                nameless = fcntl(*ret_fd, F_DUPFD_CLOEXEC, 0);
                return nameless < 0 ? -errno : 0;
        }
        *ret_fd = openat(fd, request->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return *ret_fd < 0 ? -errno : 0;
}

static int serve_rename(const ErrandRequest *request, int fd, ErrandReply *reply, int *ret_fd)
{
        if (!*request->path) {
                int r = file_link_new(nameless, fd, request->to);

                nameless = fd_close(nameless);
                return r;
        }
        if (request->mode)
                return renameat(fd, request->path, fd, request->to) < 0 ? -errno : 0;
        return file_rename_new(fd, request->path, request->to);
}

static int serve_remove(const ErrandRequest *request, int fd, ErrandReply *reply, int *ret_fd)
{
        return unlinkat(fd, request->path, 0) < 0 ? -errno : 0;
}

static int serve_header(const ErrandRequest *request, int fd, ErrandReply *reply, int *ret_fd)
{
        static uint8_t data[QCOW2_HEADER_MAX];
        size_t size;
        int r;

        r = file_read_at(fd, data, sizeof(data), 0, &size);
        if (r < 0)
                return r;
        return qcow2_read_header(data, size, &reply->header);
}

static int (*const servants[ERRAND_KINDS])(const ErrandRequest *, int, ErrandReply *, int *) = {
        [ERRAND_ACCESS] = serve_access, [ERRAND_OPEN] = serve_open,
        [ERRAND_REOPEN] = serve_reopen, [ERRAND_OPEN_BELOW] = serve_open_below,
        [ERRAND_CREATE] = serve_create, [ERRAND_RENAME] = serve_rename,
        [ERRAND_REMOVE] = serve_remove, [ERRAND_HEADER] = serve_header,
};

/* Serves one errand. A negative errno ends the child. */
static int serve(int socket)
{
        _cleanup_(closep) int given = -EBADF, brought = -EBADF;
        static ErrandRequest request;
        ErrandReply reply = { 0 };
        int r;

        r = errand_receive(socket, &request, sizeof(request), &given);
        if (r < 0)
                return r;
        if (request.kind >= ERRAND_KINDS)
                return -EPROTO;
        request.path[sizeof(request.path) - 1] = request.to[sizeof(request.to) - 1] = '\0';
        reply.result = servants[request.kind](&request, given, &reply, &brought);
        return errand_send(socket, &reply, sizeof(reply), reply.result == 0 ? brought : -EBADF);
}

int errand_agent(int socket, const GuestUser *user)
{
        ErrandReply ready = { 0 };
        int r;

        r = privileges_become(user->uid, user->gid);
        /*
         * set again, because the kernel clears it when the user changes; and no other process of that user
         * may trace this one
         */
        if (r >= 0 &&
            (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
                r = -errno;
        ready.result = r;
        r = errand_send(socket, &ready, sizeof(ready), -EBADF);
        while (r >= 0 && ready.result >= 0)
                r = serve(socket);
        return r == -EPIPE ? 0 : 1;
}
