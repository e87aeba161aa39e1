/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What QEMU is told of a source of bytes, and what the host must grant for it. libvirt opens sockets and log
 * files itself and passes them to QEMU; here QEMU opens them in its sandbox, which shows it only that path,
 * or the directory in which it creates it.
 *
 * A pty that people look at (the guest's serial console) is a socket of the launcher instead, so that the
 * journal has all of its output and "vmctl console" can attach. And a socket in the guest's runtime
 * directory is created by the launcher, so that QEMU does not need that directory.
 */

#include "device/char/chardev.h"

#include "guest/guest.h"
#include "guest/plan/bind.h"

#define TLS_DIRECTORY "/etc/pki/libvirt-chardev" /* where libvirt's users keep these certificates */

/* What QEMU calls the types; the exceptions are in backend_of(). */
static const char *const backends[] = {
        [CHARDEV_NULL] = "null",         [CHARDEV_VC] = "vc",
        [CHARDEV_PTY] = "pty",           [CHARDEV_STDIO] = "stdio",
        [CHARDEV_FILE] = "file",         [CHARDEV_PIPE] = "pipe",
        [CHARDEV_DEV] = "serial",        [CHARDEV_UNIX] = "socket",
        [CHARDEV_TCP] = "socket",        [CHARDEV_UDP] = "udp",
        [CHARDEV_SPICEVMC] = "spicevmc", [CHARDEV_SPICEPORT] = "spiceport",
        [CHARDEV_DBUS] = "dbus",         [CHARDEV_VDAGENT] = "qemu-vdagent",
};

static void build_unix(const Guest *g, const Chardev *c, Props *chardev, Plan *p)
{
        if (c->generated)
                props_number(chardev, "fd", plan_socket(p, strrchr(c->path, '/') + 1));
        else
                props_text(chardev, "path", c->path);
        if (c->mode == CHARDEV_BIND) {
                props_bool(chardev, "server", true);
                props_bool(chardev, "wait", false);
        } else
                plan_peers(p);
        if (c->generated)
                return;
        if (chardev_needs_directory(c))
                bind_socket_directory(g, c->path, p);
        else
                plan_directive(p, "BindPaths", "%s", c->path);
}

/* A port given by name allows any: only the host knows its number. */
static void allow_listening(Plan *p, const char *transport, const char *service)
{
        unsigned port;

        if (service && text_to_unsigned(service, 65535, &port) >= 0)
                plan_listen(p, "%s:%u", transport, port);
        else
                plan_listen(p, "%s", transport);
}

static void build_tls(const Chardev *c, Props *chardev, const char *id, Plan *p)
{
        Props object = props_new("qom-type", "tls-creds-x509");

        props_textf(&object, "id", "objchar%s_tls0", id);
        props_text(&object, "dir", TLS_DIRECTORY);
        props_text(&object, "endpoint", c->mode == CHARDEV_BIND ? "server" : "client");
        props_bool(&object, "verify-peer", true);
        plan_json(p, "-object", &object);
        plan_directive(p, "BindReadOnlyPaths", TLS_DIRECTORY);
        props_textf(chardev, "tls-creds", "objchar%s_tls0", id);
}

static void build_tcp(const Chardev *c, Props *chardev, const char *id, Plan *p)
{
        props_text(chardev, "host", c->host);
        props_text(chardev, "port", c->service);
        if (c->protocol == PROTOCOL_TELNET)
                props_bool(chardev, "telnet", true);
        if (c->mode == CHARDEV_BIND) {
                props_bool(chardev, "server", true);
                props_bool(chardev, "wait", false);
                allow_listening(p, "tcp", c->service);
                plan_listen_at(p, c->host);
        } else {
                plan_network_of(p, c->host);
                plan_peers(p);
        }
        if (c->tls == ON)
                build_tls(c, chardev, id, p);
}

static void build_udp(const Chardev *c, Props *chardev, Plan *p)
{
        props_text(chardev, "host", c->host ?: "");
        props_text(chardev, "port", c->service);
        props_text(chardev, "localaddr", c->bind_host ?: "");
        props_text(chardev, "localport", c->bind_service ?: "0");
        plan_network_of(p, c->host);
        plan_network_of(p, c->bind_host);
        plan_peers(p);
        allow_listening(p, "udp", c->bind_service);
}

/* A FIFO, or a pair with these endings, which QEMU tries first. */
static void grant_pipe(const Chardev *c, Plan *p)
{
        static const char *const endings[] = { "", ".in", ".out", NULL };

        for (const char *const *ending = endings; *ending; ending++)
                plan_directive(p, "BindPaths", "-%s%s", c->path, *ending);
}

static const char *backend_of(const Chardev *c)
{
        if (c->type == CHARDEV_PTY && c->console_label)
                return "socket";
        if (c->type == CHARDEV_DEV && c->parallel)
                return "parallel";
        return backends[c->type];
}

static void build_source(const Guest *g, const Chardev *c, Props *chardev, const char *id, Plan *p)
{
        switch ((ChardevType) c->type) {
        case CHARDEV_NULL:
        case CHARDEV_VC:
        case CHARDEV_STDIO:
                break;
        case CHARDEV_PTY:
                if (c->console_label)
                        props_number(chardev, "fd", plan_console(p, c->console_label));
                break;
        case CHARDEV_FILE:
                props_text(chardev, "path", c->path);
                props_bool_if(chardev, "append", c->append);
                plan_log_file(p, c->path);
                break;
        case CHARDEV_PIPE:
                props_text(chardev, "path", c->path);
                grant_pipe(c, p);
                break;
        case CHARDEV_DEV:
                props_text(chardev, "path", c->path);
                plan_grant_device(p, c->path, ACCESS_WRITE);
                break;
        case CHARDEV_UNIX:
                build_unix(g, c, chardev, p);
                break;
        case CHARDEV_TCP:
                build_tcp(c, chardev, id, p);
                break;
        case CHARDEV_UDP:
                build_udp(c, chardev, p);
                break;
        case CHARDEV_SPICEVMC:
                props_text(chardev, "name", c->spice_name);
                break;
        case CHARDEV_SPICEPORT:
        case CHARDEV_DBUS:
                props_text(chardev, "name", c->channel);
                break;
        case CHARDEV_VDAGENT:
                props_text(chardev, "name", "vdagent");
                props_bool_if(chardev, "clipboard", c->clipboard);
                if (c->mouse)
                        props_bool(chardev, "mouse", c->mouse == MOUSE_CLIENT);
                break;
        }
}

void chardev_build(const Guest *g, Plan *p, const Chardev *c, const char *id)
{
        Props chardev = props_new("backend", backend_of(c));

        props_textf(&chardev, "id", "char%s", id);
        build_source(g, c, &chardev, id, p);
        if (c->reconnect == ON && c->mode == CHARDEV_CONNECT) /* "no" is QEMU's default */
                props_number(&chardev, "reconnect-ms", c->reconnect_seconds.value * 1000);
        if (c->log) {
                props_text(&chardev, "logfile", c->log);
                props_bool_if(&chardev, "logappend", c->log_append);
                plan_log_file(p, c->log);
        }
        plan_list(p, "-chardev", &chardev);
}
