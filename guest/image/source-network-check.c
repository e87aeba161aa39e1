/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks of images on a server. What a protocol supports is its row in protocols[]; here is what a row
 * cannot say. QEMU and its client libraries would fail at start, or ignore the setting.
 */

#include "guest/guest.h"
#include "guest/image/source-network.h"

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
