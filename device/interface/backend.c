/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a network card is connected to on the host: the TAPs are tap.c's, user networking is user.c's, and
 * here are the sockets and devices that QEMU opens itself in its sandbox, which has to show it each of them.
 *
 * Addresses, ports and paths come from the XML and go into QEMU's options: they are checked to be nothing
 * else.
 */

#include "device/interface/interface.h"

#include "device/hostdev/hostdev.h"
#include "device/interface/network.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/bind.h"
#include "guest/processor/memory.h"

static void resolve_network(Guest *g, Interface *i)
{
        Network network;

        if (!i->source.network) {
                device_error(g, &i->device, "<source>: network='…' is missing");
                return;
        }
        if (i->source.bridge) { /* what libvirt had resolved, in XML that was dumped from a running guest */
                i->type = INTERFACE_BRIDGE;
                return;
        }
        if (!network_find(g, i->device.place, i->source.network, i->source.portgroup, &network))
                return;
        i->type = network.bridge ? INTERFACE_BRIDGE : INTERFACE_DIRECT;
        i->source.bridge = network.bridge;
        i->source.dev = network.dev;
        i->source.direct_mode = network.mode;
        if (!i->mtu.set)
                i->mtu = network.mtu;
        interface_port_inherit(&i->port, &network.port);
}

void interface_backend_complete(Guest *g, Interface *i)
{
        i->netdev_id = guest_text(g, "host%s", i->device.id);
        if (i->type == INTERFACE_NETWORK)
                resolve_network(g, i);
        /* for its errors only: passt derives the same path */
        if (i->type == INTERFACE_VHOST_USER && i->user.passt)
                (void) bind_own_socket(
                        g, i->device.place, "backend", guest_text(g, "%s-passt.sock", i->device.id));
        if (interface_has_tap(i))
                interface_tap_complete(g, i);
}

static void check_address(const Guest *g, const Interface *i, const char *what, const char *address)
{
        if (address &&
            address[strspn(address, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:")] !=
                    '\0')
                device_error(g, &i->device, "<%s>: '%s' is not a valid address", what, address);
}

static void check_port(const Guest *g, const Interface *i, const char *what, const char *port, bool needed)
{
        unsigned n;

        if (!port && needed)
                device_error(g, &i->device, "<%s>: port='…' is missing", what);
        else if (port && (text_to_unsigned(port, 65535, &n) < 0 || n == 0))
                device_error(g, &i->device, "<%s>: '%s' is not a port number (1 to 65535)", what, port);
}

static void check_socket(const Guest *g, const Interface *i)
{
        const InterfaceSource *s = &i->source;

        if (!s->address && i->type != INTERFACE_SERVER)
                device_error(g, &i->device, "<source>: address='…' is missing");
        check_address(g, i, "source", s->address);
        if ((s->address && strchr(s->address, ':')) || (s->local_address && strchr(s->local_address, ':')))
                device_error(
                        g, &i->device,
                        "<source>: QEMU supports only IPv4 addresses for this type of interface");
        check_port(g, i, "source", s->port, true);
        if (i->type == INTERFACE_UDP && (!s->local_address || !s->local_port))
                device_error(g, &i->device, "<source>: <local address='…' port='…'/> is missing");
        if (i->type != INTERFACE_UDP && s->local_port)
                device_error(g, &i->device, "<local>: port requires <interface type='udp'>");
        if (i->type != INTERFACE_UDP && i->type != INTERFACE_MCAST && s->local_address)
                device_error(
                        g, &i->device,
                        "<local>: requires <interface type='udp'> or <interface type='mcast'>");
        check_address(g, i, "local", s->local_address);
        check_port(g, i, "local", s->local_port, false);
}

static void check_vhost_user(const Guest *g, const Interface *i)
{
        const Device *d = &i->device;

        if (!i->virtio_model)
                device_error(g, d, "<model>: <interface type='vhostuser'> requires <model type='virtio'/>");
        if (i->user.passt) {
                memory_require_shared(g, d->place, "<backend>: passt with type='vhostuser'");
                return;
        }
        if (!i->source.kind || !streq(i->source.kind, "unix"))
                device_error(g, d, "<source>: type='unix' is missing");
        if (!i->source.path)
                device_error(g, d, "<source>: path='…' is missing");
        if (!i->source.socket_mode)
                device_error(g, d, "<source>: mode='client' or mode='server' is missing");
        else if (i->source.socket_mode == SOCKET_SERVER && i->source.reconnect == ON)
                device_error(g, d, "<reconnect>: requires mode='client'");
        else if (i->source.socket_mode == SOCKET_SERVER || i->source.reconnect == ON)
                bind_check_socket(g, d->place, "source", i->source.path);
        if (i->source.reconnect == ON && !i->source.reconnect_seconds.set)
                device_error(g, d, "<reconnect>: enabled='yes' requires timeout='…' in seconds");
}

void interface_backend_check(const Guest *g, const Interface *i)
{
        const Device *d = &i->device;
        bool sockets = i->type == INTERFACE_SERVER || i->type == INTERFACE_CLIENT ||
                       i->type == INTERFACE_MCAST || i->type == INTERFACE_UDP;

        if (interface_has_tap(i))
                interface_tap_check(g, i);
        interface_port_check(g, d, &i->port, interface_has_tap(i), i->type == INTERFACE_BRIDGE);
        if (sockets)
                check_socket(g, i);
        if (i->type == INTERFACE_VHOST_USER)
                check_vhost_user(g, i);
        if (i->user.passt && i->type != INTERFACE_USER && i->type != INTERFACE_VHOST_USER)
                device_error(
                        g, d,
                        "<backend>: type='passt' requires <interface type='user'> or <interface "
                        "type='vhostuser'>");
        if (i->type == INTERFACE_USER || i->user.passt)
                interface_user_check(g, i);
        else if (i->n_addresses > 0)
                device_error(
                        g, d,
                        "<ip>: vmunit does not set addresses on the host's end; use systemd.network(5) for "
                        "that");
        if (i->type == INTERFACE_VDPA) {
                if (!i->source.dev)
                        device_error(g, d, "<source>: dev='/dev/vhost-vdpa-…' is missing");
                if (!i->virtio_model)
                        device_error(
                                g, d, "<model>: <interface type='vdpa'> requires <model type='virtio'/>");
        }
        if (i->queues.value > 1 && !interface_has_tap(i) && i->type != INTERFACE_VHOST_USER &&
            i->type != INTERFACE_VDPA)
                device_error(
                        g, d,
                        "<driver>: queues requires a TAP device (type='bridge', 'network', 'direct' or "
                        "'ethernet'), type='vhostuser' or type='vdpa'");
        if (i->mtu.set && (sockets || (i->type == INTERFACE_USER && !i->user.passt) ||
                           i->type == INTERFACE_VDPA || i->type == INTERFACE_NULL))
                device_error(
                        g, d,
                        "<mtu>: requires a TAP device (type='bridge', 'network', 'direct' or 'ethernet'), "
                        "passt or type='vhostuser'");
        if (i->sndbuf.set && !interface_has_tap(i))
                device_error(
                        g, d,
                        "<tune>: sndbuf requires a TAP device (type='bridge', 'network', 'direct' or "
                        "'ethernet')");
}

static void set_endpoint(Props *netdev, const char *key, const char *address, const char *port)
{
        props_textf(netdev, key, "%s:%s", address ?: "", port);
}

static void build_socket(const Interface *i, Props *netdev, Plan *p)
{
        const InterfaceSource *s = &i->source;

        switch (i->type) {
        case INTERFACE_SERVER:
                set_endpoint(netdev, "listen", s->address, s->port);
                plan_listen(p, "tcp:%s", s->port);
                break;
        case INTERFACE_CLIENT:
                set_endpoint(netdev, "connect", s->address, s->port);
                break;
        case INTERFACE_MCAST:
                set_endpoint(netdev, "mcast", s->address, s->port);
                props_text(netdev, "localaddr", s->local_address);
                plan_listen(p, "udp:%s", s->port);
                break;
        case INTERFACE_UDP:
                set_endpoint(netdev, "udp", s->address, s->port);
                set_endpoint(netdev, "localaddr", s->local_address, s->local_port);
                plan_listen(p, "udp:%s", s->local_port);
                break;
        }
        plan_network(p, NETWORK_ANY);
        plan_peers(p);
}

/* The other end is a program on the host, which has its socket there or waits for QEMU's to appear. */
static void build_vhost_user(const Guest *g, const Interface *i, Props *netdev, Plan *p)
{
        const InterfaceSource *s = &i->source;
        Props chardev = props_new("backend", "socket");
        bool server = !i->user.passt && s->socket_mode == SOCKET_SERVER;

        props_textf(&chardev, "id", "char%s", i->device.id);
        if (i->user.passt) { /* QEMU passes descriptors only where it connected by a path itself */
                (void) interface_user_ask_passt(i, p);
                props_textf(&chardev, "path", "%s/%s-passt.sock", g->settings->run_directory, i->device.id);
        } else
                props_text(&chardev, "path", s->path);
        if (server)
                props_bool(&chardev, "server", true);
        if (s->reconnect == ON) /* "no" is QEMU's default */
                props_number(&chardev, "reconnect-ms", s->reconnect_seconds.value * 1000);
        plan_list(p, "-chardev", &chardev);
        plan_peers(p); /* also one that connects to QEMU gets the guest's memory as descriptors */
        props_textf(netdev, "chardev", "char%s", i->device.id);
        if (i->queues.value > 1)
                props_number(netdev, "queues", i->queues.value);
        if (i->user.passt)
                return;
        if (server || s->reconnect == ON)
                bind_socket_directory(g, s->path, p);
        else
                plan_directive(p, "BindPaths", "%s", s->path);
}

void interface_backend_build(const Guest *g, const Interface *i, Plan *p)
{
        static const char *const types[] = {
                [INTERFACE_USER] = "user",       [INTERFACE_ETHERNET] = "tap",
                [INTERFACE_BRIDGE] = "tap",      [INTERFACE_DIRECT] = "tap",
                [INTERFACE_SERVER] = "socket",   [INTERFACE_CLIENT] = "socket",
                [INTERFACE_MCAST] = "socket",    [INTERFACE_UDP] = "socket",
                [INTERFACE_VDPA] = "vhost-vdpa", [INTERFACE_VHOST_USER] = "vhost-user",
        };
        bool stream = i->type == INTERFACE_USER && i->user.passt == PASST_REQUIRE;
        Props netdev = props_new("type", stream ? "stream" : types[i->type]);

        props_text(&netdev, "id", i->netdev_id);
        if (interface_has_tap(i)) {
                interface_tap_build(g, i, &netdev, p);
        } else if (i->type == INTERFACE_USER) {
                interface_user_build(i, &netdev, p);
        } else if (i->type == INTERFACE_VHOST_USER) {
                build_vhost_user(g, i, &netdev, p);
        } else if (i->type == INTERFACE_VDPA) {
                props_text(&netdev, "vhostdev", i->source.dev);
                if (i->queues.value > 1)
                        props_number(&netdev, "queues", i->queues.value);
                plan_use(p, POLICY_HOST_DEVICES);
                plan_grant_device(p, i->source.dev, ACCESS_WRITE);
        } else {
                build_socket(i, &netdev, p);
        }
        plan_json(p, "-netdev", &netdev);
}
