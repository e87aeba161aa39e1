/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Images on a server, as QEMU's -blockdev: one function per protocol, and the table of protocols. Source:
 * QEMU's qapi/block-core.json (BlockdevOptions).
 */

#include <arpa/inet.h>

#include "guest/guest.h"
#include "guest/image/source-network.h"
#include "util/text.h"

static void set_text(json_t *object, const char *key, const char *value)
{
        json_object_set_new(object, key, json_string(value));
}

static void set_port(json_t *object, const SourceNetwork *n, const SourceHost *h)
{
        json_object_set_new(object, "port", json_sprintf("%u", port_of(n, h)));
}

/* A QEMU SocketAddress; an InetSocketAddress if type is NULL. */
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

/* If the XML names no configuration file, the client library reads the host's. */
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

/* Percent-encodes characters that are not allowed in the path of a URL (RFC 3986). */
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
        _cleanup_(text_writer_done) TextWriter w;
        _cleanup_(freep) char *url = NULL;
        FILE *f = text_writer_start(&w);

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
        url = text_writer_take(&w);
        if (!url)
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

const Protocol protocols[] = {
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
        plan_peers(p);
        return protocols[n->protocol].props(g, s, p);
}
