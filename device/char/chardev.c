/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sources of bytes behind a guest's ports: what the XML may say of them, and what is wrong with it. What
 * QEMU is told of them is chardev-build.c's.
 */

#include "device/char/chardev.h"

#include "guest/guest.h"
#include "guest/plan/bind.h"

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
        FIELD_SAID("@tty", FIELD_IGNORED, NULL), /* state of a running guest */
        {},
};

/* In <source>, for all types. */
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
        FIELD_SAID("@tlsFromConfig", FIELD_IGNORED, NULL), /* for libvirt's state files */
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

/* What <source> may contain, by type. Without a table it is state of a running guest, which is ignored. */
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
 * libvirt chooses ".../channel/target/GUEST.NAME" and ".../domain-GUEST/NAME". People put sockets of agents
 * there by hand as well.
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

bool chardev_needs_directory(const Chardev *c)
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
        else if (!c->generated && chardev_needs_directory(c))
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
        case CHARDEV_SPICEVMC:
                /* often left over after <graphics type='spice'> was removed; QEMU accepts it */
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
