/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <graphics type='spice'>. SPICE's server cannot look for a free port itself, and a port chosen here might
 * be in use when the guest starts. So autoport becomes a socket in the guest's run-time directory, with a
 * warning. The launcher listens on such a socket and passes each connection to QEMU, which cannot be given
 * a socket that listens.
 */

#include "device/graphics/audio.h"
#include "device/graphics/graphics.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define SPICE_CERTIFICATES "/etc/pki/libvirt-spice" /* where users of libvirt keep them */

typedef struct Spice {
        Graphics graphics;
        Listen listen;
        Password password;
        PortKind port_kind, tls_port_kind;
        unsigned port, tls_port;
        Tristate autoport, playback, copy_paste, file_transfer;
        bool secure; /* some channel must be encrypted on the network */
        int default_mode, image, jpeg, zlib, streaming, mouse;
        const char *keymap;
} Spice;

typedef enum ChannelMode {
        MODE_ANY = 1,
        MODE_SECURE,
        MODE_INSECURE,
} ChannelMode;

typedef enum MouseMode {
        MOUSE_SERVER = 1,
        MOUSE_CLIENT,
} MouseMode;

typedef struct Channel {
        int name, mode;
} Channel;

static const char *const mode_words[] = { "any", "secure", "insecure", NULL };
static const char *const channel_words[] = {
        "main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir", NULL,
};
static const char *const image_words[] = { "auto_glz", "auto_lz", "quic", "glz", "lz", "off", NULL };
static const char *const wan_words[] = { "auto", "never", "always", NULL };
static const char *const streaming_words[] = { "filter", "all", "off", NULL };
static const char *const mouse_words[] = { "server", "client", NULL };

static const Field fields[] = {
        GL_FIELDS,
        FIELD("@autoport", FIELD_YESNO, Spice, autoport),
        FIELD("@keymap", FIELD_TEXT, Spice, keymap),
        FIELD_OF_WORDS("@defaultMode", Spice, default_mode, mode_words),
        PASSWORD_FIELDS(Spice, password),
        FIELD_OF_WORDS("image@compression", Spice, image, image_words),
        FIELD_OF_WORDS("jpeg@compression", Spice, jpeg, wan_words),
        FIELD_OF_WORDS("zlib@compression", Spice, zlib, wan_words),
        FIELD("playback@compression", FIELD_SWITCH, Spice, playback),
        FIELD_OF_WORDS("streaming@mode", Spice, streaming, streaming_words),
        FIELD("clipboard@copypaste", FIELD_YESNO, Spice, copy_paste),
        FIELD_OF_WORDS("mouse@mode", Spice, mouse, mouse_words),
        FIELD("filetransfer@enable", FIELD_YESNO, Spice, file_transfer),
        {},
};

static const Field channel_fields[] = {
        FIELD_OF_WORDS("@name", Channel, name, channel_words),
        FIELD_OF_WORDS("@mode", Channel, mode, mode_words),
        {},
};

/* As the XML says; after completion only a given port counts. */
static bool wants_tls(const Spice *s)
{
        return s->tls_port_kind != PORT_NONE || s->autoport == ON;
}

static bool has_tls(const Spice *s)
{
        return s->tls_port_kind == PORT_GIVEN;
}

static void read_channels(Guest *g, Spice *s)
{
        XML_FOREACH(e, s->graphics.device.xml, "channel") {
                Channel c = { 0 };

                fields_read(e, channel_fields, &c, g->findings);
                if (!c.name || !c.mode)
                        guest_error(g, e->place, "<channel>: name and mode are required");
                if (c.mode == MODE_SECURE)
                        s->secure = true;
                if (c.mode == MODE_SECURE && !wants_tls(s))
                        guest_error(g, e->place, "<channel>: mode='secure' requires <graphics tlsPort='…'>");
                if (c.mode == MODE_INSECURE && s->listen.type == LISTEN_ADDRESS &&
                    s->port_kind == PORT_NONE && s->autoport != ON)
                        guest_error(g, e->place, "<channel>: mode='insecure' requires <graphics port='…'>");
        }
}

static void spice_read(Guest *g, Device *d)
{
        Spice *s = DEVICE_AS(Spice, d);

        s->port_kind = graphics_port_read(g, d, "port", &s->port);
        s->tls_port_kind = graphics_port_read(g, d, "tlsPort", &s->tls_port);
        graphics_listen_read(g, d, &s->listen);
        read_channels(g, s);
        if (s->default_mode == MODE_SECURE)
                s->secure = true;
        if (s->default_mode == MODE_SECURE && !wants_tls(s))
                device_error(g, d, "<graphics>: defaultMode='secure' requires tlsPort='…'");
}

static void spice_complete(Guest *g, Device *d)
{
        Spice *s = DEVICE_AS(Spice, d);

        graphics_password_complete(g, d, &s->password, "spice");
        if (s->listen.type == LISTEN_ADDRESS &&
            (s->autoport == ON || (s->port_kind == PORT_AUTO && s->tls_port_kind != PORT_GIVEN))) {
                s->listen = (Listen){ .type = LISTEN_SOCKET, .place = d->place };
                graphics_listen_complete(g, &s->listen, "spice");
                device_warning(
                        g, d,
                        "<graphics>: SPICE cannot choose a port itself; listening on the socket %s instead "
                        "(remote-viewer spice+unix://%s)",
                        s->listen.socket, s->listen.socket);
        }
        graphics_listen_complete(g, &s->listen, "spice");
        if (s->listen.type != LISTEN_ADDRESS || (s->tls_port_kind == PORT_AUTO && !s->secure))
                s->tls_port_kind = PORT_NONE;
        else if (s->tls_port_kind == PORT_AUTO)
                device_error(
                        g, d, "<graphics>: tlsPort must be a port number: SPICE cannot choose one itself");
}

static void spice_check(const Guest *g, const Device *d)
{
        const Spice *s = DEVICE_AS(Spice, d);

        graphics_check(g, d);
        if (s->listen.type == LISTEN_ADDRESS && s->port_kind == PORT_NONE && !has_tls(s))
                device_warning(g, d, "<graphics>: no client can connect without port='…' or autoport='yes'");
        if (s->keymap && !graphics_keymap_is_plain(s->keymap))
                device_error(g, d, "<graphics>: keymap='%s' is not a valid keyboard layout name", s->keymap);
}

/* Whether a client can connect at all; if not, QEMU gets port 0, which means none. */
static bool listens(const Spice *s)
{
        return s->listen.type == LISTEN_SOCKET ||
               (s->listen.type == LISTEN_ADDRESS && (s->port_kind == PORT_GIVEN || has_tls(s)));
}

static void set_where(const Spice *s, Props *spice)
{
        if (!listens(s) || s->listen.own)
                props_number(spice, "port", 0);
        if (!listens(s))
                return;
        if (s->listen.own) {
                /* the launcher's */
        } else if (s->listen.type == LISTEN_SOCKET) {
                props_bool(spice, "unix", true);
                props_text(spice, "addr", s->listen.socket);
        } else {
                if (s->port_kind == PORT_GIVEN)
                        props_number(spice, "port", s->port);
                if (has_tls(s))
                        props_number(spice, "tls-port", s->tls_port);
                props_text(spice, "addr", s->listen.address);
                if (has_tls(s))
                        props_text(spice, "x509-dir", SPICE_CERTIFICATES);
        }
        if (!s->password.credential)
                props_bool(spice, "disable-ticketing", true);
}

static void set_channels(const Guest *g, const Spice *s, Props *spice)
{
        json_t *tls, *plain;

        if (s->listen.type != LISTEN_ADDRESS)
                return; /* a socket cannot be overheard */
        tls = json_array();
        plain = json_array();
        if (s->default_mode == MODE_SECURE)
                json_array_append_new(tls, json_string("default"));
        else if (s->default_mode == MODE_INSECURE)
                json_array_append_new(plain, json_string("default"));
        XML_FOREACH(e, s->graphics.device.xml, "channel") {
                const char *mode = xml_attribute(e, "mode"), *name = xml_attribute(e, "name");

                if (streq(mode, "secure"))
                        json_array_append_new(tls, json_string(name));
                else if (streq(mode, "insecure"))
                        json_array_append_new(plain, json_string(name));
        }
        props_json_value(spice, "tls-channel", tls);
        props_json_value(spice, "plaintext-channel", plain);
}

static void set_word(Props *p, const char *key, const char *const *words, int word)
{
        if (word)
                props_text(p, key, words[word - 1]);
}

static void spice_build(const Guest *g, const Device *d, Plan *p)
{
        const Spice *s = DEVICE_AS(Spice, d);
        Props spice = { json_object() };

        set_where(s, &spice);
        graphics_password_build(g, &s->password, &spice, p);
        set_channels(g, s, &spice);
        set_word(&spice, "image-compression", image_words, s->image);
        set_word(&spice, "jpeg-wan-compression", wan_words, s->jpeg);
        set_word(&spice, "zlib-glz-wan-compression", wan_words, s->zlib);
        props_bool_if(&spice, "playback-compression", s->playback);
        set_word(&spice, "streaming-video", streaming_words, s->streaming);
        if (s->mouse)
                props_bool(&spice, "agent-mouse", s->mouse == MOUSE_CLIENT);
        if (s->copy_paste == OFF)
                props_bool(&spice, "disable-copy-paste", true);
        if (s->file_transfer == OFF)
                props_bool(&spice, "disable-agent-file-xfer", true);
        graphics_gl_build(g, d, &spice, p);
        props_bool(&spice, "seamless-migration", true);
        plan_list_named(p, "-spice", &spice);
        plan_spice(p, s->listen.own);
        if (s->keymap)
                plan_value(p, "-k", s->keymap);
        if (!listens(s))
                return;
        graphics_listen_plan(g, &s->listen, p);
        if (s->listen.type == LISTEN_ADDRESS && s->port_kind == PORT_GIVEN)
                plan_listen(p, "tcp:%u", s->port);
        if (s->listen.type == LISTEN_ADDRESS && has_tls(s)) {
                plan_listen(p, "tcp:%u", s->tls_port);
                plan_directive(p, "BindReadOnlyPaths", "%s", SPICE_CERTIFICATES);
        }
}

const DeviceKind kind_graphics_spice = {
        .element = "graphics",
        .type = "spice",
        .size = sizeof(Spice),
        .fields = fields,
        .read = spice_read,
        .complete = spice_complete,
        .check = spice_check,
        .build = spice_build,
};
