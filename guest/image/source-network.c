/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Images on a server, as the XML describes them: <source protocol='…'>. The words and ports here also serve
 * the check (source-network-check.c) and QEMU's options (source-network-build.c). The XML is the
 * administrator's, but nothing in it is trusted before the check. Source: libvirt's documentation of
 * <source protocol='…'>.
 */

#include "guest/image/source-network.h"
#include "guest/guest.h"
#include "guest/machine/general.h"

const char *const protocol_words[] = {
        "nbd",  "rbd",  "iscsi", "gluster", "http",     "https", "ftp",
        "ftps", "tftp", "ssh",   "nfs",     "sheepdog", "vxhs",  NULL,
};
const char *const transport_words[] = { "tcp", "unix", "rdma", NULL };

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

unsigned port_of(const SourceNetwork *n, const SourceHost *h)
{
        return h->port.set ? (unsigned) h->port.value : protocols[n->protocol].port;
}

bool iscsi_split(const char *name, int *ret_target, unsigned *ret_lun)
{
        const char *slash = strchr(name, '/');

        *ret_target = (int) (slash ? (size_t) (slash - name) : strlen(name));
        *ret_lun = 0;
        return !slash || text_to_unsigned(slash + 1, 16383, ret_lun) >= 0;
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

/*
 * Cookies are as sensitive as passwords, and every user can read a unit, also over D-Bus. So the
 * administrator stores their text in a credential, which is named after the host.
 */
void source_network_name(Guest *g, Source *s)
{
        const SourceNetwork *n = &s->network;

        if (n->cookies && n->n_hosts > 0 && n->hosts[0].name)
                s->cookies.credential = secret_credential(
                        g, n->cookies->place,
                        guest_text(g, "%s.%s.cookies", g->general->name, n->hosts[0].name));
}
