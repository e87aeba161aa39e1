/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <source network='NAME'/> is the network that NAME.xml describes, in libvirt's format, in one of vmunit's
 * directories. vmunit only joins what exists: it creates no bridges and runs no DHCP and no NAT. So all that
 * matters in the file is which bridge or which interface of the host the network is.
 *
 * The files belong to the administrator. Their text is copied into the guest and checked like the guest's
 * own XML.
 */

#include "device/interface/network.h"

#include <errno.h>
#include <fcntl.h>

#include "contract/limits.h"
#include "guest/guest.h"
#include "util/file.h"

#define NETWORK_SIZE_MAX ((size_t) 1 << 20)

static const char *const directories[] = { "/etc/vmunit/networks", "/run/vmunit/networks",
                                           "/usr/lib/vmunit/networks", NULL };
static const char *const forward_words[] = { "nat",  "route",       "open",    "bridge", "private",
                                             "vepa", "passthrough", "hostdev", NULL };

typedef enum Forward {
        FORWARD_NONE,
        FORWARD_NAT,
        FORWARD_ROUTE,
        FORWARD_OPEN,
        FORWARD_BRIDGE,
        FORWARD_PRIVATE,
        FORWARD_VEPA,
        FORWARD_PASSTHROUGH,
        FORWARD_HOSTDEV,
} Forward;

const char *const direct_mode_words[] = { "vepa", "private", "bridge", "passthrough", NULL };

/* The forward modes that join an interface of the host itself. */
static const DirectMode direct_modes[] = {
        [FORWARD_BRIDGE] = DIRECT_BRIDGE,
        [FORWARD_PRIVATE] = DIRECT_PRIVATE,
        [FORWARD_VEPA] = DIRECT_VEPA,
        [FORWARD_PASSTHROUGH] = DIRECT_PASSTHROUGH,
};

typedef struct NetworkXml {
        XmlElement *virtualport, *bandwidth;
        InterfacePort port;
        int forward; /* Forward */
        const char *bridge, *dev, *interface;
        Number mtu;
} NetworkXml;

static const Field fields[] = {
        FIELD_OF_WORDS("forward@mode", NetworkXml, forward, forward_words),
        FIELD("forward@dev", FIELD_TEXT, NetworkXml, dev),
        FIELD("forward/interface@dev", FIELD_TEXT, NetworkXml, interface),
        FIELD("bridge@name", FIELD_TEXT, NetworkXml, bridge),
        FIELD("virtualport", FIELD_ELEMENT, NetworkXml, virtualport),
        FIELD("bandwidth", FIELD_ELEMENT, NetworkXml, bandwidth), /* for all its guests together */
        FIELD("vlan", FIELD_PRESENT, NetworkXml, port.has_vlan),
        FIELD("port@isolated", FIELD_YESNO, NetworkXml, port.isolated),
        FIELD_IN_RANGE("mtu@size", NetworkXml, mtu, MTU_MIN, MTU_MAX),
        {},
};

typedef struct PortGroup {
        const char *name;
        Tristate is_default;
        XmlElement *virtualport;
        InterfacePort port;
} PortGroup;

static const Field group_fields[] = {
        FIELD("@name", FIELD_TEXT, PortGroup, name),
        FIELD("@default", FIELD_YESNO, PortGroup, is_default),
        FIELD("virtualport", FIELD_ELEMENT, PortGroup, virtualport),
        INTERFACE_PORT_FIELDS(PortGroup, port),
        {},
};

/* The command is meant to be pasted into a shell, so it is only given for a name without special characters.
 */
static void report_missing(Guest *g, Place place, const char *name)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
        const char *command = "";

        if (name[0] != '-' && !name[strspn(name, plain)])
                command = guest_text(
                        g,
                        "; to take it over from libvirt: virsh net-dumpxml %s | install -D -m 644 "
                        "/dev/stdin "
                        "%s/%s.xml",
                        name, directories[0], name);
        guest_error(
                g, place,
                "<source>: network '%s' does not exist: there is no %s/%s.xml%s; \"A network with DHCP and "
                "NAT\" in vmunit(7) has commands that set one up; <interface type='user'> requires no "
                "network",
                name, directories[0], name, command);
}

/* False, with an error at place, if there is no such file or it cannot be read. */
static bool read_file(
        Guest *g, Place place, const char *name, const char **ret_path, char **ret_data, size_t *ret_size)
{
        for (const char *const *d = directories; *d; d++) {
                const char *path = guest_text(g, "%s%s/%s.xml", g->settings->root ?: "", *d, name);
                int r = file_read(AT_FDCWD, path, NETWORK_SIZE_MAX, ret_data, ret_size);

                if (r == -ENOENT)
                        continue;
                if (r < 0) {
                        guest_error(
                                g, place, "<source>: network '%s': cannot read %s: %s", name, path,
                                strerror(-r));
                        return false;
                }
                *ret_path = path;
                return true;
        }
        report_missing(g, place, name);
        return false;
}

static bool take(Guest *g, Place place, const char *name, const NetworkXml *x, Network *ret)
{
        bool direct = x->forward == FORWARD_PRIVATE || x->forward == FORWARD_VEPA ||
                      x->forward == FORWARD_PASSTHROUGH || (x->forward == FORWARD_BRIDGE && !x->bridge);
        const char *dev = x->interface ?: x->dev;

        if (x->virtualport || x->bandwidth) {
                guest_error(
                        g, place, "<source>: network '%s' has %s, which is not supported", name,
                        x->virtualport ? "<virtualport>" : "<bandwidth> for all its guests together");
                return false;
        }
        if (x->forward == FORWARD_HOSTDEV) {
                guest_error(
                        g, place,
                        "<source>: network '%s' is a pool of PCI devices; use <interface type='hostdev'> "
                        "with the address of one of them",
                        name);
                return false;
        }
        if (direct ? !dev : !x->bridge) {
                guest_error(
                        g, place, "<source>: network '%s' has %s", name,
                        direct ? "no <forward dev='…'/> or <interface dev='…'/>" : "no <bridge name='…'/>");
                return false;
        }
        *ret = (Network){ .mtu = x->mtu, .port = x->port };
        if (direct) {
                ret->dev = guest_text(g, "%s", dev);
                ret->mode = direct_modes[x->forward];
                return true;
        }
        ret->bridge = guest_text(g, "%s", x->bridge);
        if (x->forward != FORWARD_BRIDGE)
                guest_warning(
                        g, place,
                        "<source>: network '%s' uses only its bridge %s, which must exist on the host; "
                        "addresses, DHCP, NAT and routing must be configured there too: see \"A network "
                        "with DHCP and NAT\" in vmunit(7)",
                        name, x->bridge);
        return true;
}

/* The port group of that name, or the default one, if there is one. */
static void read_group(Guest *g, XmlElement *root, const char *name, PortGroup *ret, Findings *findings)
{
        XML_FOREACH(e, root, "portgroup") {
                PortGroup group = { 0 };

                fields_read(e, group_fields, &group, findings);
                if (name ? !streq_null(group.name, name) : group.is_default != ON)
                        continue;
                interface_port_read(g, e, &group.port, findings);
                *ret = group;
        }
}

/* Reads as much as possible; mistakes go to findings. */
static void read_network(
        Guest *g, XmlElement *root, const char *portgroup, NetworkXml *x, PortGroup *group,
        Findings *findings)
{
        if (!streq(root->name, "network")) {
                finding(findings, SEVERITY_ERROR, root->place,
                        "<%s>: expected <network> as the root element", root->name);
                return;
        }
        fields_read(root, fields, x, findings);
        interface_port_read(g, root, &x->port, findings);
        read_group(g, root, portgroup, group, findings);
        interface_port_inherit(&group->port, &x->port);
        x->port = group->port;
}

bool network_find(Guest *g, Place place, const char *name, const char *portgroup, Network *ret)
{
        _cleanup_(freep) char *data = NULL;
        _cleanup_(xml_freep) XmlElement *root = NULL;
        _cleanup_(findings_freep) Findings *findings = NULL;
        const char *path = NULL;
        PortGroup group = { 0 };
        NetworkXml x = { 0 };
        size_t size;

        if (name[0] == '.' || strchr(name, '/')) {
                guest_error(
                        g, place, "<source>: network='%s' must not begin with \".\" or contain \"/\"", name);
                return false;
        }
        if (!read_file(g, place, name, &path, &data, &size))
                return false;
        findings = findings_new();
        root = findings ? xml_parse(path, data, size, findings) : NULL;
        if (root)
                read_network(g, root, portgroup, &x, &group, findings);
        if (!root || findings_failed(findings)) {
                for (size_t i = 0; findings && i < findings_count(findings); i++) {
                        const Finding *f = findings_get(findings, i);

                        guest_error(
                                g, place, "<source>: network '%s': %s:%u:%u: %s", name, path, f->place.line,
                                f->place.column, f->text);
                }
                return false;
        }
        if (group.virtualport) {
                guest_error(
                        g, place,
                        "<source>: <virtualport> in port group '%s' of network '%s' is not supported",
                        portgroup ?: "(default)", name);
                return false;
        }
        return take(g, place, name, &x, ret);
}
