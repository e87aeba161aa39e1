/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Access to a guest's sockets is checked twice: the socket has mode 0600 in a directory with mode 0700, and
 * the uid of each client is checked, because a descriptor of the directory may have been passed on. Root and
 * the guest's user may connect.
 *
 * The directory belongs to the guest's user, but the sandbox hides it from QEMU, which could replace a
 * socket otherwise: by a link to another guest's, which others would then follow. A guest whose QEMU or
 * another program has sockets of its own there is the exception.
 */

#include "launcher/stream/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log/log.h"
#include "util/text.h"

#define LISTENER_QUEUE 8

struct Listener {
        int fd, directory;
        char *name;
        sd_event_source *source;
        ListenerAccept accept;
        void *userdata;
};

static bool peer_may(int fd, const char *name)
{
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return false;
        if (peer.uid == 0 || peer.uid == geteuid())
                return true;
        log_warning("User %u may not use the guest's socket \"%s\".", (unsigned) peer.uid, name);
        return false;
}

static int on_connection(sd_event_source *s, int listening, uint32_t revents, void *userdata)
{
        Listener *l = userdata;
        _cleanup_(closep) int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0 && peer_may(fd, l->name))
                l->accept(TAKE_FD(fd), l->userdata);
        return 0;
}

/*
 * Through the directory's descriptor: the path may not fit into a socket's address if the guest's name is
 * long.
 */
static int bind_in(int fd, int directory, const char *name)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        mode_t mask;
        int n, r;

        n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", directory, name);
        if (n < 0 || (size_t) n >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        if (unlinkat(directory, name, 0) < 0 && errno != ENOENT)
                return -errno;
        mask = umask(0177);
        r = bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
        (void) umask(mask);
        if (r >= 0 && listen(fd, LISTENER_QUEUE) < 0)
                r = -errno;
        return r;
}

static int listen_in(const char *directory, const char *name, int *ret_directory, int *ret)
{
        _cleanup_(closep) int above = -EBADF, fd = -EBADF;
        int r;

        if (!*name || *name == '.' || strchr(name, '/'))
                return -EINVAL;
        above = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (above < 0)
                return -errno;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        r = bind_in(fd, above, name);
        if (r < 0)
                return r;
        *ret_directory = TAKE_FD(above);
        *ret = TAKE_FD(fd);
        return 0;
}

int listener_socket(const char *directory, const char *name, int *ret)
{
        _cleanup_(closep) int above = -EBADF;

        return listen_in(directory, name, &above, ret);
}

int listener_new(
        sd_event *event, const char *directory, const char *name, ListenerAccept accept, void *userdata,
        Listener **ret)
{
        _cleanup_(listener_freep) Listener *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        *l = (Listener){ .fd = -1, .directory = -1, .accept = accept, .userdata = userdata };
        l->name = strdup(name);
        if (!l->name)
                return -ENOMEM;
        r = listen_in(directory, name, &l->directory, &l->fd);
        if (r < 0)
                return r;
        if (fcntl(l->fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        r = sd_event_add_io(event, &l->source, l->fd, EPOLLIN, on_connection, l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

Listener *listener_free(Listener *l)
{
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->source);
        if (l->fd >= 0 && l->directory >= 0)
                (void) unlinkat(l->directory, l->name, 0);
        (void) fd_close(l->fd);
        (void) fd_close(l->directory);
        free(l->name);
        free(l);
        return NULL;
}
