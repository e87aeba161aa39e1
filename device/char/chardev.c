/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sources of bytes that a guest's ports can have. libvirt opens sockets and log files itself and hands
 * them to QEMU; here QEMU opens them in its sandbox, which shows it just the one path, or the one directory
 * to make it in.
 *
 * A pty that somebody is meant to look at (the guest's serial console) is a socket of the launcher instead,
 * so that the journal has it all and "vmctl console" can still attach.
 */

#include "device/char/chardev.h"

#include "guest/guest.h"
#include "guest/plan/bind.h"

#define TLS_DIRECTORY "/etc/pki/libvirt-chardev" /* where libvirt's users keep these certificates */

typedef enum Protocol {
        PROTOCOL_RAW = 1,
        PROTOCOL_TELNET,
} Protocol;

typedef enum Mouse {
        MOUSE_CLIENT = 1,
        MOUSE_SERVER,
} Mouse;

static const char *const type_words[] = {
        "null", "vc",  "pty",      "stdio",     "file", "pipe",         "dev", "unix",
        "tcp",  "udp", "spicevmc", "spiceport", "dbus", "qemu-vdagent", NULL,
};
static const char *const mode_words[] = { "connect", "bind", NULL };
static const char *const protocol_words[] = { "raw", "telnet", NULL };
static const char *const mouse_words[] = { "client", "server", NULL };

static const Field common_fields[] = {
        FIELD_OF_WORDS("@type", Chardev, type, type_words),
        FIELD("log@file", FIELD_PATH, Chardev, log),
        FIELD("log@append", FIELD_SWITCH, Chardev, log_append),
        FIELD_OF_WORDS("protocol@type", Chardev, protocol, protocol_words),
        FIELD_SAID("@tty", FIELD_IGNORED, NULL), /* of a guest that ran when its XML was dumped */
        {},
};

/* Of <source>, whatever the type. */
static const Field label_fields[] = {
        FIELD_SAID("seclabel", FIELD_WARNED, "ignored; files and sockets keep their security labels"),
        {},
};

static const Field file_fields[] = {
        FIELD("@path", FIELD_PATH, Chardev, path),
        FIELD("@append", FIELD_SWITCH, Chardev, append),
        {},
};

static const Field unix_fields[] = {
        FIELD_OF_WORDS("@mode", Chardev, mode, mode_words),
        FIELD("@path", FIELD_PATH, Chardev, path),
        FIELD("reconnect@enabled", FIELD_YESNO, Chardev, reconnect),
        FIELD_IN_RANGE("reconnect@timeout", Chardev, reconnect_seconds, 0, UINT32_MAX / 1000),
        {},
};

static const Field tcp_fields[] = {
        FIELD_OF_WORDS("@mode", Chardev, mode, mode_words),
        FIELD("@host", FIELD_TEXT, Chardev, host),
        FIELD("@service", FIELD_TEXT, Chardev, service),
        FIELD("@tls", FIELD_YESNO, Chardev, tls),
        FIELD_SAID("@tlsFromConfig", FIELD_IGNORED, NULL), /* of libvirt's state files */
        FIELD("reconnect@enabled", FIELD_YESNO, Chardev, reconnect),
        FIELD_IN_RANGE("reconnect@timeout", Chardev, reconnect_seconds, 0, UINT32_MAX / 1000),
        {},
};

static const Field udp_connect_fields[] = {
        FIELD("@host", FIELD_TEXT, Chardev, host),
        FIELD("@service", FIELD_TEXT, Chardev, service),
        {},
};

static const Field udp_bind_fields[] = {
        FIELD("@host", FIELD_TEXT, Chardev, bind_host),
        FIELD("@service", FIELD_TEXT, Chardev, bind_service),
        {},
};

static const Field udp_mode_fields[] = {
        FIELD_OF_WORDS("@mode", Chardev, mode, mode_words),
        {},
};

static const Field channel_fields[] = {
        FIELD("@channel", FIELD_TEXT, Chardev, channel),
        {},
};

static const Field vdagent_fields[] = {
        FIELD("clipboard@copypaste", FIELD_YESNO, Chardev, clipboard),
        FIELD_OF_WORDS("mouse@mode", Chardev, mouse, mouse_words),
        {},
};

/* What <source> may hold, by type. Without a table: what a running guest had, and does not matter. */
static const Field *const source_fields[CHARDEV_VDAGENT + 1] = {
        [CHARDEV_FILE] = file_fields,    [CHARDEV_PIPE] = file_fields,
        [CHARDEV_DEV] = file_fields,     [CHARDEV_UNIX] = unix_fields,
        [CHARDEV_TCP] = tcp_fields,      [CHARDEV_SPICEPORT] = channel_fields,
        [CHARDEV_DBUS] = channel_fields, [CHARDEV_VDAGENT] = vdagent_fields,
};

static void read_udp_source(Guest *g, XmlElement *source, Chardev *c)
{
        c->mode = 0;
        fields_read(source, udp_mode_fields, c, g->findings);
        fields_read(source, c->mode == CHARDEV_BIND ? udp_bind_fields : udp_connect_fields, c, g->findings);
}

static void read_source(Guest *g, XmlElement *source, Chardev *c)
{
        if (c->type == CHARDEV_UDP)
                read_udp_source(g, source, c);
        else if (source_fields[c->type])
                fields_read(source, source_fields[c->type], c, g->findings);
        else
                xml_claim_all(source);
}

void chardev_read(Guest *g, XmlElement *e, Chardev *c)
{
        unsigned sources = 0;

        c->xml = e;
        fields_read(e, common_fields, c, g->findings);
        if (!c->type) {
                if (!xml_attribute(e, "type"))
                        guest_error(g, e->place, "<%s>: type='…' is missing", e->name);
                xml_claim_all(e);
                return;
        }
        XML_FOREACH(source, e, "source") {
                if (++sources > (c->type == CHARDEV_UDP ? 2 : 1))
                        guest_error(g, source->place, "<source>: may be given only once");
                fields_read(source, label_fields, c, g->findings);
                read_source(g, source, c);
        }
        if (!c->mode)
                c->mode = CHARDEV_CONNECT;
}

/*
 * Its choices are ".../channel/target/GUEST.NAME" and ".../domain-GUEST/NAME". By hand, people put
 * agents' sockets there.
 */
bool chardev_path_is_libvirts(const Chardev *c, const char *name)
{
        static const char *const directories[] = {
                "/var/lib/libvirt/qemu/",
                "/run/libvirt/qemu/",
                "/var/run/libvirt/qemu/",
                NULL,
        };

        if (!c->path)
                return true;
        for (const char *const *d = directories; *d; d++)
                if (text_after(c->path, *d))
                        return c->mode == CHARDEV_BIND || (name && text_ends_with(c->path, name));
        return false;
}

void chardev_generate_path(Guest *g, Chardev *c, const char *name)
{
        c->path = guest_text(g, "%s/%s", g->settings->run_directory, name);
        c->mode = CHARDEV_BIND;
        c->generated = true;
}

static bool has_spice(const Guest *g)
{
        GUEST_FOREACH_DEVICE(g, NULL, d)
                if (streq(d->kind->element, "graphics") && streq_null(d->kind->type, "spice"))
                        return true;
        return false;
}

/* QEMU makes the socket, or waits for one that is not there yet. */
static bool needs_directory(const Chardev *c)
{
        return c->mode == CHARDEV_BIND || c->reconnect == ON;
}

static void check_unix(const Guest *g, const Chardev *c)
{
        if (!c->path)
                guest_error(
                        g, c->xml->place, "<%s>: <source path='…'> with the path of the socket is missing",
                        c->xml->name);
        else if (strlen(c->path) > SOCKET_PATH_MAX)
                guest_error(
                        g, c->xml->place,
                        "<%s>: '%s' is too long for the path of a socket (at most %d bytes)", c->xml->name,
                        c->path, SOCKET_PATH_MAX);
        else if (!c->generated && needs_directory(c))
                bind_check_socket(g, c->xml->place, c->xml->name, c->path);
        if (c->path && strlen(c->path) <= SOCKET_PATH_MAX && c->mode == CHARDEV_BIND && !c->generated)
                guest_warning(
                        g, c->xml->place,
                        "<%s>: QEMU creates '%s' itself; the guest's user must be allowed to write to that "
                        "directory",
                        c->xml->name, c->path);
}

static void check_channel(const Guest *g, const Chardev *c)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

        if (!c->channel)
                guest_error(g, c->xml->place, "<%s>: <source channel='…'> is missing", c->xml->name);
        else if (strspn(c->channel, allowed) < strlen(c->channel))
                guest_error(
                        g, c->xml->place,
                        "<%s>: channel='%s' may contain only letters, digits, \"_\", \"-\" and \".\"",
                        c->xml->name, c->channel);
}

void chardev_check(const Guest *g, const Chardev *c)
{
        Place at = c->xml->place;
        const char *name = c->xml->name;

        switch ((ChardevType) c->type) {
        case CHARDEV_NULL:
        case CHARDEV_VC:
        case CHARDEV_PTY:
        case CHARDEV_STDIO:
        case CHARDEV_VDAGENT:
                break;
        case CHARDEV_FILE:
        case CHARDEV_PIPE:
        case CHARDEV_DEV:
                if (!c->path)
                        guest_error(g, at, "<%s>: <source path='…'> is missing", name);
                break;
        case CHARDEV_UNIX:
                check_unix(g, c);
                break;
        case CHARDEV_TCP:
                if (!c->host || !c->service)
                        guest_error(g, at, "<%s>: <source host='…' service='…'> is missing", name);
                break;
        case CHARDEV_UDP:
                if (!c->service)
                        guest_error(g, at, "<%s>: <source mode='connect' service='…'> is missing", name);
                break;
        case CHARDEV_DBUS:
                check_channel(g, c);
                break;
        case CHARDEV_SPICEPORT:
                check_channel(g, c);
                if (!has_spice(g))
                        guest_error(g, at, "<%s>: type='spiceport' requires <graphics type='spice'>", name);
                break;
        case CHARDEV_SPICEVMC: /* QEMU takes it, and many a guest keeps it when its SPICE goes */
                if (!has_spice(g))
                        guest_warning(
                                g, at,
                                "<%s>: type='spicevmc' is not connected to anything without <graphics "
                                "type='spice'>",
                                name);
                break;
        }
        if (c->mode == CHARDEV_BIND && c->reconnect == ON)
                guest_error(g, at, "<%s>: <reconnect> requires mode='connect'", name);
        if (c->reconnect == ON && c->reconnect_seconds.value == 0)
                guest_error(g, at, "<%s>: <reconnect enabled='yes'> requires timeout='…' in seconds", name);
}

static void build_unix(const Guest *g, const Chardev *c, Props *chardev, Plan *p)
{
        props_text(chardev, "path", c->path);
        if (c->mode == CHARDEV_BIND) {
                props_bool(chardev, "server", true);
                props_bool(chardev, "wait", false);
        }
        if (c->generated)
                return;
        if (needs_directory(c))
                bind_socket_directory(g, c->path, p);
        else
                plan_directive(p, "BindPaths", "%s", c->path);
}

static bool host_is_local(const char *host)
{
        return !host || streq(host, "localhost") || streq(host, "::1") || text_after(host, "127.");
}

/* A port by name stands for any: which one it is only the host can tell. */
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
        }
        if (c->tls == ON)
                build_tls(c, chardev, id, p);
        plan_network(p, host_is_local(c->host) ? NETWORK_LOCAL : NETWORK_ANY);
}

static void build_udp(const Chardev *c, Props *chardev, Plan *p)
{
        props_text(chardev, "host", c->host ?: "");
        props_text(chardev, "port", c->service);
        props_text(chardev, "localaddr", c->bind_host ?: "");
        props_text(chardev, "localport", c->bind_service ?: "0");
        plan_network(p, host_is_local(c->host) && host_is_local(c->bind_host) ? NETWORK_LOCAL : NETWORK_ANY);
        allow_listening(p, "udp", c->bind_service);
}

/* A FIFO, or a pair of them with these endings: QEMU tries the pair first. */
static void grant_pipe(const Chardev *c, Plan *p)
{
        static const char *const endings[] = { "", ".in", ".out", NULL };

        for (const char *const *ending = endings; *ending; ending++)
                plan_directive(p, "BindPaths", "-%s%s", c->path, *ending);
}

static const char *backend_of(const Chardev *c)
{
        switch ((ChardevType) c->type) {
        case CHARDEV_PTY:
                return c->console_label ? "socket" : "pty";
        case CHARDEV_DEV:
                return c->parallel ? "parallel" : "serial";
        case CHARDEV_UNIX:
        case CHARDEV_TCP:
                return "socket";
        default:
                return type_words[c->type - 1];
        }
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
        if (c->reconnect == ON && c->mode == CHARDEV_CONNECT) /* "no" is what QEMU does without */
                props_number(&chardev, "reconnect-ms", c->reconnect_seconds.value * 1000);
        if (c->log) {
                props_text(&chardev, "logfile", c->log);
                props_bool_if(&chardev, "logappend", c->log_append);
                plan_log_file(p, c->log);
        }
        plan_list(p, "-chardev", &chardev);
}
