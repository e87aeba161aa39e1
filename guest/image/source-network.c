/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Images that a server has. Each protocol is a row: what it may have beside a host and a name, and the
 * function that writes its -blockdev. Source: QEMU's qapi/block-core.json, and libvirt's documentation of
 * <source protocol='…'>.
 */

#include <arpa/inet.h>

#include "guest/guest.h"
#include "guest/image/source.h"
#include "guest/machine/general.h"

static const char *const protocol_words[] = {
        "nbd",  "rbd",  "iscsi", "gluster", "http",     "https", "ftp",
        "ftps", "tftp", "ssh",   "nfs",     "sheepdog", "vxhs",  NULL,
};
static const char *const transport_words[] = { "tcp", "unix", "rdma", NULL };

#define NO_NBDKIT                                                                                  \
        "QEMU's ssh client does not support it; run nbdkit for the image and use its socket with " \
        "protocol='nbd'"

static const Field fields[] = {
        FIELD_OF_WORDS("@protocol", SourceNetwork, protocol, protocol_words),
        FIELD("@name", FIELD_TEXT, SourceNetwork, name),
        FIELD("@query", FIELD_TEXT, SourceNetwork, query),
        FIELD("@tls", FIELD_YESNO, SourceNetwork, tls),
        FIELD("@tlsHostname", FIELD_TEXT, SourceNetwork, tls_hostname),
        FIELD("snapshot@name", FIELD_TEXT, SourceNetwork, snapshot),
        FIELD("config@file", FIELD_PATH, SourceNetwork, config),
        FIELD("ssl@verify", FIELD_YESNO, SourceNetwork, verify),
        FIELD_OF_SIZE("readahead@size", SourceNetwork, readahead, 1),
        FIELD_IN_RANGE("timeout@seconds", SourceNetwork, timeout, 1, UINT32_MAX),
        FIELD_IN_RANGE("reconnect@delay", SourceNetwork, reconnect_delay, 0, UINT32_MAX),
        FIELD("initiator/iqn@name", FIELD_TEXT, SourceNetwork, initiator),
        FIELD("cookies", FIELD_ELEMENT, SourceNetwork, cookies),
        FIELD("identity@user", FIELD_TEXT, SourceNetwork, user),
        FIELD("identity@group", FIELD_TEXT, SourceNetwork, group),
        FIELD("identity@username", FIELD_TEXT, SourceNetwork, ssh_user),
        FIELD_SAID("identity@keyfile", FIELD_REFUSED, NO_NBDKIT),
        FIELD("identity@agentsock", FIELD_PATH, SourceNetwork, ssh_agent),
        FIELD("knownHosts@path", FIELD_PATH, SourceNetwork, known_hosts),
        {},
};

static const Field host_fields[] = {
        FIELD("@name", FIELD_TEXT, SourceHost, name),
        FIELD_IN_RANGE("@port", SourceHost, port, 0, 65535),
        FIELD_OF_WORDS("@transport", SourceHost, transport, transport_words),
        FIELD("@socket", FIELD_PATH, SourceHost, socket),
        {},
};

typedef struct Protocol {
        unsigned port; /* where the XML names none; 0: the client library knows */
        unsigned hosts_min, hosts_max;
        bool name_optional;
        bool unix_socket, tls, secret, url, cookies, query, snapshot, config, reconnect, initiator, identity;
        Props (*props)(const Guest *g, const Source *s, Plan *p);
} Protocol;

static unsigned port_of(const SourceNetwork *n, const SourceHost *h);

static void set_text(json_t *object, const char *key, const char *value)
{
        json_object_set_new(object, key, json_string(value));
}

static void set_port(json_t *object, const SourceNetwork *n, const SourceHost *h)
{
        json_object_set_new(object, "port", json_sprintf("%u", port_of(n, h)));
}

/* QEMU's SocketAddress, or without type its InetSocketAddress. */
static void fill_server(json_t *server, const SourceNetwork *n, const SourceHost *h, const char *type)
{
        if (h->transport == TRANSPORT_UNIX) {
                set_text(server, "type", "unix");
                set_text(server, "path", h->socket);
                return;
        }
        if (type)
                set_text(server, "type", type);
        set_text(server, "host", h->name);
        set_port(server, n, h);
}

static void props_servers(Props *p, const SourceNetwork *n, const char *type)
{
        json_t *servers = n->n_hosts > 0 ? props_array(p, "server") : NULL;

        for (unsigned i = 0; i < n->n_hosts; i++) {
                json_t *server = json_object();

                fill_server(server, n, &n->hosts[i], type);
                json_array_append_new(servers, server);
        }
}

static void build_auth(const Guest *g, const Source *s, SecretForm form, Plan *p)
{
        if (s->auth.credential)
                secret_build(g, &s->auth, s->auth_id, form, p);
}

static void build_tls(const Source *s, Plan *p)
{
        Props tls = props_new("qom-type", "tls-creds-x509");

        props_text(&tls, "id", s->tls_id);
        props_text(&tls, "dir", "/etc/pki/libvirt-nbd");
        props_text(&tls, "endpoint", "client");
        props_bool(&tls, "verify-peer", true);
        plan_json(p, "-object", &tls);
        plan_directive(p, "BindReadOnlyPaths", "%s", "/etc/pki/libvirt-nbd");
}

static Props nbd_props(const Guest *g, const Source *s, Plan *p)
{
        const SourceNetwork *n = &s->network;
        Props nbd = props_new("driver", "nbd");

        fill_server(props_object(&nbd, "server"), n, &n->hosts[0], "inet");
        props_text(&nbd, "export", n->name);
        if (n->tls == ON) {
                build_tls(s, p);
                props_text(&nbd, "tls-creds", s->tls_id);
                props_text(&nbd, "tls-hostname", n->tls_hostname);
        }
        props_number_if(&nbd, "reconnect-delay", n->reconnect_delay);
        return nbd;
}

/* Without a configuration file of its own, the client library reads the host's. */
static Props rbd_props(const Guest *g, const Source *s, Plan *p)
{
        const SourceNetwork *n = &s->network;
        const char *slash = strchr(n->name, '/'), *last = strrchr(n->name, '/');
        Props rbd = props_new("driver", "rbd");

        props_textf(&rbd, "pool", "%.*s", (int) (slash - n->name), n->name);
        if (last > slash)
                props_textf(&rbd, "namespace", "%.*s", (int) (last - slash - 1), slash + 1);
        props_text(&rbd, "image", last + 1);
        props_text(&rbd, "snapshot", n->snapshot);
        props_text(&rbd, "conf", n->config);
        props_servers(&rbd, n, NULL);
        if (s->auth.xml) {
                json_t *methods;

                build_auth(g, s, SECRET_BASE64, p);
                props_text(&rbd, "user", s->user);
                methods = props_array(&rbd, "auth-client-required");
                json_array_append_new(methods, json_string("cephx"));
                json_array_append_new(methods, json_string("none"));
                props_text(&rbd, "key-secret", s->auth_id);
        }
        if (s->encryption.xml && s->encryption.engine == ENCRYPTION_LIBRBD) {
                static const char *const formats[] = {
                        [ENCRYPTION_LUKS] = "luks",
                        [ENCRYPTION_LUKS2] = "luks2",
                        [ENCRYPTION_LUKS_ANY] = "luks-any",
                };
                json_t *encrypt = props_object(&rbd, "encrypt");

                secret_build(g, &s->encryption.secret, s->secret_id, SECRET_RAW, p);
                set_text(encrypt, "format", formats[s->encryption.format]);
                set_text(encrypt, "key-secret", s->secret_id);
        }
        if (n->config)
                plan_directive(p, "BindReadOnlyPaths", "%s", n->config);
        else
                plan_directive(p, "BindReadOnlyPaths", "-/etc/ceph");
        return rbd;
}

/* "TARGET/LUN": the number of the unit on the target, 0 where the name has none. */
static bool iscsi_split(const char *name, int *ret_target, unsigned *ret_lun)
{
        const char *slash = strchr(name, '/');

        *ret_target = (int) (slash ? (size_t) (slash - name) : strlen(name));
        *ret_lun = 0;
        return !slash || text_to_unsigned(slash + 1, 16383, ret_lun) >= 0;
}

static bool is_ipv6(const char *host)
{
        struct in6_addr a;

        return inet_pton(AF_INET6, host, &a) == 1;
}

static Props iscsi_props(const Guest *g, const Source *s, Plan *p)
{
        const SourceNetwork *n = &s->network;
        const char *host = n->hosts[0].name;
        Props iscsi = props_new("driver", "iscsi");
        unsigned lun;
        int target;

        props_textf(&iscsi, "portal", is_ipv6(host) ? "[%s]:%u" : "%s:%u", host, port_of(n, &n->hosts[0]));
        (void) iscsi_split(n->name, &target, &lun);
        props_textf(&iscsi, "target", "%.*s", target, n->name);
        props_number(&iscsi, "lun", lun);
        props_text(&iscsi, "transport", "tcp");
        if (s->auth.xml) {
                build_auth(g, s, SECRET_RAW, p);
                props_text(&iscsi, "user", s->user);
                props_text(&iscsi, "password-secret", s->auth_id);
        }
        props_text(&iscsi, "initiator-name", n->initiator);
        return iscsi;
}

static Props gluster_props(const Guest *g, const Source *s, Plan *p)
{
        const SourceNetwork *n = &s->network;
        const char *name = n->name + (n->name[0] == '/'), *slash = strchr(name, '/');
        Props gluster = props_new("driver", "gluster");

        props_textf(&gluster, "volume", "%.*s", (int) (slash - name), name);
        props_text(&gluster, "path", slash + 1);
        props_servers(&gluster, n, "inet");
        props_number(&gluster, "debug", 4); /* warnings, as libvirt sets it */
        return gluster;
}

/* Percent-encodes what may not stand in a path of a URL (RFC 3986). */
static void write_path(FILE *f, const char *path)
{
        if (path[0] != '/')
                fputc('/', f);
        for (; *path; path++)
                if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()/"
                           ";@&=+$,:",
                           *path))
                        fputc(*path, f);
                else
                        fprintf(f, "%%%02X", (unsigned char) *path);
}

static void props_url(Props *p, const SourceNetwork *n)
{
        const char *host = n->hosts[0].name;
        _cleanup_(freep) char *url = NULL;
        size_t size;
        FILE *f = open_memstream(&url, &size);

        if (!f) {
                p->failed = true;
                return;
        }
        fprintf(f, is_ipv6(host) ? "%s://[%s]:%u" : "%s://%s:%u", protocol_words[n->protocol - 1], host,
                port_of(n, &n->hosts[0]));
        if (n->name)
                write_path(f, n->name);
        if (n->query)
                fprintf(f, "?%s", n->query);
        if (fclose(f) != 0)
                p->failed = true;
        else
                props_text(p, "url", url);
}

static Props curl_props(const Guest *g, const Source *s, Plan *p)
{
        const SourceNetwork *n = &s->network;
        Props curl = props_new("driver", protocol_words[n->protocol - 1]);

        props_url(&curl, n);
        if (s->auth.xml) {
                build_auth(g, s, SECRET_RAW, p);
                props_text(&curl, "username", s->user);
                props_text(&curl, "password-secret", s->auth_id);
        }
        if (n->verify == OFF)
                props_bool(&curl, "sslverify", false);
        if (n->cookies) {
                secret_build(g, &s->cookies, s->cookie_id, SECRET_RAW, p);
                props_text(&curl, "cookie-secret", s->cookie_id);
        }
        props_number_if(&curl, "timeout", n->timeout);
        props_number_if(&curl, "readahead", n->readahead);
        return curl;
}

/* All that QEMU's ssh client (libssh) looks servers up in, where its user has no home directory. */
#define KNOWN_HOSTS "/etc/ssh/ssh_known_hosts"

static Props ssh_props(const Guest *g, const Source *s, Plan *p)
{
        const SourceNetwork *n = &s->network;
        Props ssh = props_new("driver", "ssh");

        props_text(&ssh, "path", n->name);
        fill_server(props_object(&ssh, "server"), n, &n->hosts[0], NULL);
        props_text(&ssh, "user", n->ssh_user);
        plan_directive(p, "BindReadOnlyPaths", "-" KNOWN_HOSTS);
        if (n->ssh_agent) {
                plan_directive(p, "Environment", "SSH_AUTH_SOCK=%s", n->ssh_agent);
                plan_directive(p, "BindReadOnlyPaths", "%s", n->ssh_agent);
        }
        return ssh;
}

static Props nfs_props(const Guest *g, const Source *s, Plan *p)
{
        const SourceNetwork *n = &s->network;
        Props nfs = props_new("driver", "nfs");
        json_t *server = props_object(&nfs, "server");
        unsigned id;

        set_text(server, "host", n->hosts[0].name);
        set_text(server, "type", "inet");
        props_text(&nfs, "path", n->name);
        if (n->user && text_to_unsigned(n->user + (n->user[0] == '+'), UINT32_MAX, &id) >= 0)
                props_number(&nfs, "user", id);
        if (n->group && text_to_unsigned(n->group + (n->group[0] == '+'), UINT32_MAX, &id) >= 0)
                props_number(&nfs, "group", id);
        return nfs;
}

static const Protocol protocols[] = {
        [PROTOCOL_NBD] = { .port = 10809,
                           .hosts_min = 1,
                           .hosts_max = 1,
                           .name_optional = true,
                           .unix_socket = true,
                           .tls = true,
                           .reconnect = true,
                           .props = nbd_props },
        [PROTOCOL_RBD] = { .port = 6789,
                           .hosts_max = SOURCE_HOSTS_MAX,
                           .secret = true,
                           .snapshot = true,
                           .config = true,
                           .props = rbd_props },
        [PROTOCOL_ISCSI] = { .port = 3260,
                             .hosts_min = 1,
                             .hosts_max = 1,
                             .secret = true,
                             .initiator = true,
                             .props = iscsi_props },
        [PROTOCOL_GLUSTER] = { .port = 24007,
                               .hosts_min = 1,
                               .hosts_max = SOURCE_HOSTS_MAX,
                               .unix_socket = true,
                               .props = gluster_props },
        [PROTOCOL_HTTP] = { .port = 80,
                            .hosts_min = 1,
                            .hosts_max = 1,
                            .secret = true,
                            .url = true,
                            .cookies = true,
                            .query = true,
                            .props = curl_props },
        [PROTOCOL_HTTPS] = { .port = 443,
                             .hosts_min = 1,
                             .hosts_max = 1,
                             .secret = true,
                             .url = true,
                             .cookies = true,
                             .query = true,
                             .props = curl_props },
        [PROTOCOL_FTP] = { .port = 21,
                           .hosts_min = 1,
                           .hosts_max = 1,
                           .secret = true,
                           .url = true,
                           .props = curl_props },
        [PROTOCOL_FTPS] = { .port = 990,
                            .hosts_min = 1,
                            .hosts_max = 1,
                            .secret = true,
                            .url = true,
                            .props = curl_props },
        [PROTOCOL_TFTP] = {},
        [PROTOCOL_SSH] = { .port = 22, .hosts_min = 1, .hosts_max = 1, .props = ssh_props },
        [PROTOCOL_NFS] = { .port = 2049,
                           .hosts_min = 1,
                           .hosts_max = 1,
                           .identity = true,
                           .props = nfs_props },
        [PROTOCOL_SHEEPDOG] = {},
        [PROTOCOL_VXHS] = {},
};

static unsigned port_of(const SourceNetwork *n, const SourceHost *h)
{
        return h->port.set ? (unsigned) h->port.value : protocols[n->protocol].port;
}

Props source_network_props(const Guest *g, const Source *s, Plan *p)
{
        const SourceNetwork *n = &s->network;
        bool remote = n->n_hosts == 0;

        for (unsigned i = 0; i < n->n_hosts; i++)
                if (n->hosts[i].transport == TRANSPORT_UNIX)
                        plan_directive(p, "BindReadOnlyPaths", "%s", n->hosts[i].socket);
                else
                        remote = true;
        if (remote)
                plan_network(p, NETWORK_ANY);
        return protocols[n->protocol].props(g, s, p);
}

static void read_hosts(Guest *g, XmlElement *source, SourceNetwork *n)
{
        XML_FOREACH(e, source, "host") {
                SourceHost *h = &n->hosts[n->n_hosts];

                if (n->n_hosts == SOURCE_HOSTS_MAX) {
                        guest_error(g, e->place, "<host>: at most %d are supported", SOURCE_HOSTS_MAX);
                        return;
                }
                n->n_hosts++;
                h->place = e->place;
                fields_read(e, host_fields, h, g->findings);
        }
}

/* Source: RFC 6265, section 4.1.1. */
static void read_cookies(Guest *g, SourceNetwork *n)
{
        XML_FOREACH(cookie, n->cookies, "cookie") {
                const char *name = xml_attribute(cookie, "name"), *value = xml_text(cookie);

                if (!name || !*name || strpbrk(name, "()<>@,;:\\\"/[]?={} \t\r\n"))
                        guest_error(
                                g, cookie->place, "<cookie>: name='%s' is not a valid cookie name",
                                name ?: "");
                else if (strpbrk(value, ",;\\ \t\r\n"))
                        guest_error(
                                g, cookie->place,
                                "<cookie>: the value of '%s' contains characters that are not allowed in a "
                                "cookie",
                                name);
        }
        if (!xml_child(n->cookies, "cookie"))
                n->cookies = NULL;
}

void source_network_read(Guest *g, XmlElement *source, Source *s)
{
        SourceNetwork *n = &s->network;

        fields_read(source, fields, n, g->findings);
        if (!n->protocol) {
                if (!xml_attribute(source, "protocol"))
                        guest_error(g, s->place, "<source>: protocol='…' is missing");
                s->empty = true;
                return;
        }
        read_hosts(g, source, n);
        if (n->cookies)
                read_cookies(g, n);
}

static void refuse(const Guest *g, const Source *s, bool wrong, const char *what)
{
        if (wrong)
                guest_error(
                        g, s->place, "<source>: protocol='%s' does not support %s",
                        protocol_words[s->network.protocol - 1], what);
}

static void check_hosts(const Guest *g, const Source *s, const Protocol *protocol)
{
        const SourceNetwork *n = &s->network;

        if (n->n_hosts < protocol->hosts_min)
                guest_error(g, s->place, "<source>: <host> is missing");
        if (n->n_hosts > protocol->hosts_max)
                guest_error(
                        g, s->place, "<source>: protocol='%s' supports at most %u <host>",
                        protocol_words[n->protocol - 1], protocol->hosts_max);
        for (unsigned i = 0; i < n->n_hosts; i++) {
                const SourceHost *h = &n->hosts[i];

                if (h->transport == TRANSPORT_RDMA ||
                    (h->transport == TRANSPORT_UNIX && !protocol->unix_socket))
                        guest_error(
                                g, h->place, "<host>: this protocol does not support transport='%s'",
                                transport_words[h->transport - 1]);
                else if (h->transport == TRANSPORT_UNIX && !h->socket)
                        guest_error(g, h->place, "<host>: socket='…' is missing");
                else if (h->transport != TRANSPORT_UNIX && (!h->name || h->socket))
                        guest_error(
                                g, h->place,
                                h->socket ? "<host>: socket='…' requires transport='unix'"
                                          : "<host>: name='…' is missing");
        }
}

static void check_name(const Guest *g, const Source *s, const Protocol *protocol)
{
        const SourceNetwork *n = &s->network;
        const char *slash;
        unsigned lun;
        int target;

        if (!n->name) {
                if (!protocol->name_optional)
                        guest_error(g, s->place, "<source>: name='…' is missing");
                return;
        }
        slash = strchr(n->name + (n->name[0] == '/'), '/');
        if ((n->protocol == PROTOCOL_RBD || n->protocol == PROTOCOL_GLUSTER) &&
            (!slash || slash == n->name || !slash[1]))
                guest_error(
                        g, s->place, "<source>: name='%s' must have the form %s", n->name,
                        n->protocol == PROTOCOL_RBD ? "POOL/IMAGE" : "VOLUME/IMAGE");
        if (n->protocol == PROTOCOL_ISCSI && !iscsi_split(n->name, &target, &lun))
                guest_error(
                        g, s->place, "<source>: name='%s' must have the form TARGET or TARGET/LUN", n->name);
        if (n->protocol == PROTOCOL_NFS && n->name[0] != '/')
                guest_error(g, s->place, "<source>: name='%s' must be an absolute path", n->name);
}

static void check_secret(const Guest *g, const Source *s)
{
        const char *type = s->auth.type;

        if (!s->auth.xml)
                return;
        if (!type || (!streq(type, "ceph") && !streq(type, "iscsi")))
                guest_error(
                        g, s->auth.xml->place, "<secret>: type='%s' must be one of: ceph, iscsi",
                        type ?: "");
        else if (s->network.protocol == PROTOCOL_RBD && !streq(type, "ceph"))
                guest_error(g, s->auth.xml->place, "<secret>: protocol='rbd' requires type='ceph'");
        else if (s->network.protocol == PROTOCOL_ISCSI && !streq(type, "iscsi"))
                guest_error(g, s->auth.xml->place, "<secret>: protocol='iscsi' requires type='iscsi'");
}

/*
 * Cookies are as good as passwords, and a unit is readable for everybody, also over D-Bus. So their text is
 * for an administrator to store, by the host they are for.
 */
void source_network_name(Guest *g, Source *s)
{
        const SourceNetwork *n = &s->network;

        if (n->cookies && n->n_hosts > 0 && n->hosts[0].name)
                s->cookies.credential = secret_credential(
                        g, n->cookies->place,
                        guest_text(g, "%s.%s.cookies", g->general->name, n->hosts[0].name));
}

static void check_cookies(const Guest *g, const Source *s)
{
        if (s->cookies.credential)
                guest_warning(
                        g, s->network.cookies->place,
                        "<cookies>: ignored, because every user could read them in the unit; put the text "
                        "\"NAME=VALUE; NAME=VALUE\" into the credential '%s' in /etc/credstore or "
                        "/etc/credstore.encrypted (systemd-creds encrypt)",
                        s->cookies.credential);
}

static bool is_id(const char *text)
{
        unsigned id;

        return text_to_unsigned(text + (text[0] == '+'), UINT32_MAX, &id) >= 0;
}

void source_network_check(const Guest *g, const Source *s)
{
        const SourceNetwork *n = &s->network;
        const Protocol *protocol = &protocols[n->protocol];

        if (!protocol->props) {
                guest_error(
                        g, s->place, "<source>: QEMU no longer supports protocol='%s'",
                        protocol_words[n->protocol - 1]);
                return;
        }
        check_hosts(g, s, protocol);
        check_name(g, s, protocol);
        check_secret(g, s);
        refuse(g, s, n->tls == ON && !protocol->tls, "tls='yes'");
        refuse(g, s, n->tls_hostname && n->tls != ON, "tlsHostname without tls='yes'");
        refuse(g, s, n->query && !protocol->query, "query");
        if (n->query && n->query[strcspn(n->query, " \t\r\n\"<>")] != '\0')
                guest_error(g, s->place, "<source>: query='%s' is not a valid URL query", n->query);
        refuse(g, s, n->snapshot && !protocol->snapshot, "<snapshot>");
        refuse(g, s, n->config && !protocol->config, "<config>");
        refuse(g, s, n->cookies && !protocol->cookies, "<cookies>");
        if (protocol->cookies)
                check_cookies(g, s);
        refuse(g, s, n->verify != UNSET && n->protocol != PROTOCOL_HTTPS && n->protocol != PROTOCOL_FTPS,
               "<ssl>");
        refuse(g, s, n->readahead.set && !protocol->url, "<readahead>");
        refuse(g, s, n->timeout.set && !protocol->url, "<timeout>");
        refuse(g, s, n->reconnect_delay.set && !protocol->reconnect, "<reconnect>");
        refuse(g, s, n->initiator && !protocol->initiator, "<initiator>");
        refuse(g, s, (n->user || n->group) && !protocol->identity, "<identity> with user and group");
        refuse(g, s, (n->ssh_user || n->ssh_agent) && n->protocol != PROTOCOL_SSH,
               "<identity> with username or agentsock");
        refuse(g, s, n->known_hosts && n->protocol != PROTOCOL_SSH, "<knownHosts>");
        if (n->known_hosts && !streq(n->known_hosts, KNOWN_HOSTS))
                guest_warning(
                        g, s->place,
                        "<knownHosts>: ignored; QEMU's ssh client reads only " KNOWN_HOSTS
                        ", so add the server's key there");
        refuse(g, s, s->auth.xml && !protocol->secret, "<auth>");
        if ((n->user && !is_id(n->user)) || (n->group && !is_id(n->group)))
                guest_error(
                        g, s->place,
                        "<identity>: user and group must be numbers, because the server's names are not "
                        "known here");
}
