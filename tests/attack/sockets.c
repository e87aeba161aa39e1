/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The network, and the sockets of other guests and of the system's services. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/attack/attack.h"

static int open_socket(const char *target, int family)
{
        return socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 ? -errno : 0;
}

static int open_stream(const char *target, int family)
{
        return socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0 ? -errno : 0;
}

static int open_raw(const char *target, int family)
{
        return socket(family, SOCK_RAW | SOCK_CLOEXEC, family == AF_PACKET ? 0 : IPPROTO_RAW) < 0 ? -errno
                                                                                                  : 0;
}

static int open_pair(const char *target, int family)
{
        int fds[2];

        return socketpair(family, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

static int connect_host(const char *target, int argument)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t) atoi(target)),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        return connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
}

/* A connected socket, or -errno. An address that begins with @ is abstract. */
static int connect_to(const char *target, int type)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t length = strlen(target);
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0), directory = -1;

        if (fd < 0)
                return -errno;
        if (length >= sizeof(address.sun_path)) { /* by its directory, then */
                const char *name = strrchr(target, '/');
                char path[2048];

                (void) snprintf(path, sizeof(path), "%.*s", (int) (name - target), target);
                directory = open(path, O_PATH | O_DIRECTORY);
                if (directory < 0)
                        return -errno;
                (void) snprintf(
                        address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d%.60s", directory,
                        name);
                length = strlen(address.sun_path);
        } else
                memcpy(address.sun_path, target, length);
        if (target[0] == '@')
                address.sun_path[0] = '\0';
        if (connect(fd, (struct sockaddr *) &address,
                    (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length)) < 0)
                return -errno;
        return fd;
}

static int connect_socket(const char *target, int type)
{
        int fd = connect_to(target, type);

        return fd < 0 ? fd : 0;
}

/* Any other beside the guest's own. */
static int find_others(const char *target, int argument)
{
        const char *name = strrchr(target, '/');
        char path[2048];
        DIR *directory;

        (void) snprintf(path, sizeof(path), "%.*s", (int) (name - target), target);
        directory = opendir(path);
        if (!directory)
                return -errno;
        for (struct dirent *entry; (entry = readdir(directory));)
                if (entry->d_name[0] != '.' && strcmp(entry->d_name, name + 1) != 0)
                        return 0;
        return -ENOENT;
}

static int tell_systemd(const char *target, int argument)
{
        int fd = connect_to(target, SOCK_DGRAM);

        if (fd < 0)
                return fd;
        return send(fd, "X_ATTACK=1", 10, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int forge_entry(const char *target, int argument)
{
        static const char entry[] =
                "MESSAGE=forged by an attack\nVM_NAME=other\nSYSLOG_IDENTIFIER=vm-launcher\n"
                "PRIORITY=6\n";
        int fd = connect_to(target, SOCK_DGRAM);

        if (fd < 0)
                return fd;
        return send(fd, entry, sizeof(entry) - 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int listen_for_others(const char *target, int argument)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", target);
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return unlink(target) < 0 ? -errno : 0;
}

const Attack attacks_on_sockets[] = {
        { "network-ipv4", open_socket, NULL, AF_INET, "EPERM" },
        { "network-ipv6", open_socket, NULL, AF_INET6, "EPERM" },
        { "network-packet", open_raw, NULL, AF_PACKET, "EAFNOSUPPORT" },
        { "network-raw", open_raw, NULL, AF_INET, "EPERM" },
        { "network-netlink", open_raw, NULL, AF_NETLINK, "EAFNOSUPPORT" },
        { "network-vsock", open_stream, NULL, AF_VSOCK, "EAFNOSUPPORT" },
        { "network-tipc", open_pair, NULL, AF_TIPC, "EAFNOSUPPORT" },
        { "network-bluetooth", open_raw, NULL, AF_BLUETOOTH, "EAFNOSUPPORT" },
        { "network-cryptography", open_raw, NULL, AF_ALG, "EAFNOSUPPORT" },
        { "network-host-service", connect_host, "{host-port}", 0, "EAFNOSUPPORT" },

        /* of other guests, and of what starts guests */
        { "socket-other-console", connect_socket, "{other-console}", SOCK_STREAM, "EPERM" },
        { "socket-other-control", connect_socket, "{other-control}", SOCK_STREAM, "EPERM" },
        { "socket-other-monitor", connect_socket, "{other-monitor}", SOCK_STREAM, "EPERM" },
        { "socket-other-helper", connect_socket, "{other-helper}", SOCK_SEQPACKET, "EPERM" },
        { "socket-manager-of-guests", connect_socket, "{guest-manager}", SOCK_STREAM, "EPERM" },
        { "socket-helpers-list", find_others, "{own-helper}", 0, "ENOENT" },

        /* of the system */
        { "socket-abstract", connect_socket, "{host-abstract}", SOCK_STREAM, "EPERM" },
        { "socket-host", connect_socket, "{host-socket}", SOCK_STREAM, "EPERM" },
        { "socket-bus", connect_socket, "/run/dbus/system_bus_socket", SOCK_STREAM, "EPERM" },
        { "socket-systemd", connect_socket, "/run/systemd/private", SOCK_STREAM, "EPERM" },
        { "socket-machined", connect_socket, "/run/systemd/machine/io.systemd.Machine", SOCK_STREAM,
          "EPERM" },
        { "socket-users", connect_socket, "/run/systemd/userdb/io.systemd.DynamicUser", SOCK_STREAM,
          "EPERM" },
        { "socket-udev", connect_socket, "/run/udev/control", SOCK_SEQPACKET, "EPERM" },
        { "socket-notify", tell_systemd, "/run/systemd/notify", 0, "EPERM" },
        { "socket-journal", forge_entry, "/run/systemd/journal/socket", 0, "EPERM" },
        { "socket-journal-syslog", forge_entry, "/run/systemd/journal/dev-log", 0, "EPERM" },
        { "socket-journal-stream", connect_socket, "/run/systemd/journal/stdout", SOCK_STREAM, "EPERM" },
        { "socket-journal-control", connect_socket, "/run/systemd/journal/io.systemd.journal", SOCK_STREAM,
          "EPERM" },

        { "socket-listen", listen_for_others, "{own-run}/attack", 0, "EACCES|EROFS|ENOENT" },
        {},
};
