/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <interface type='user'>: a network that needs no TAP and no privilege. Two programs provide it: passt, a
 * process of its own that vm-launcher starts beside QEMU, and QEMU's built-in network. With <backend
 * type='passt'/> it is always passt. Without it, the system scope uses the built-in network, as libvirt
 * does. In the user scope, where this is what a guest has instead of a bridge, it is passt if the host has
 * it: the unit's command line is the one for the built-in network, and --passt= beside it says how to
 * replace it.
 *
 * An <ip> without a backend describes the network that QEMU makes up. To passt it would be the guest's own
 * address, so there the built-in network is used. Every text that goes into --passt= is checked not to
 * contain its separators.
 */

#include <arpa/inet.h>
#include <errno.h>

#include "contract/options.h"
#include "device/interface/interface.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define IPV6_PREFIX         64 /* passt's and QEMU's */
#define HOST_NAME_MAX_BYTES 253

static const char *const family_words[] = { "ipv4", "ipv6", NULL };

static const Field address_fields[] = {
        FIELD("@address", FIELD_TEXT, InterfaceAddress, address),
        FIELD_OF_WORDS("@family", InterfaceAddress, family, family_words),
        FIELD_IN_RANGE("@prefix", InterfaceAddress, prefix, 1, 128),
        {},
};

static const Field passt_fields[] = {
        FIELD("backend@logFile", FIELD_PATH, Interface, user.log_file),
        FIELD("backend@hostname", FIELD_TEXT, Interface, user.hostname),
        FIELD("backend@fqdn", FIELD_TEXT, Interface, user.fqdn),
        FIELD("source@dev", FIELD_TEXT, Interface, source.dev),
        {},
};

typedef struct Route {
        const char *address, *gateway, *prefix, *family;
} Route;

static const Field route_fields[] = {
        FIELD("@address", FIELD_TEXT, Route, address),
        FIELD("@gateway", FIELD_TEXT, Route, gateway),
        FIELD("@prefix", FIELD_TEXT, Route, prefix),
        FIELD("@family", FIELD_TEXT, Route, family),
        {},
};

bool interface_is_ipv4(const char *address)
{
        struct in_addr a;

        return inet_pton(AF_INET, address, &a) == 1;
}

bool interface_is_ipv6(const char *address)
{
        struct in6_addr a;

        return inet_pton(AF_INET6, address, &a) == 1;
}

/* ——— reading ——— */

static void read_addresses(Guest *g, Interface *i)
{
        XML_FOREACH(e, i->device.xml, "ip") {
                InterfaceAddress a = { 0 };

                fields_read(e, address_fields, &a, g->findings);
                if (!a.address)
                        guest_error(g, e->place, "<ip>: address='…' is missing");
                else if (i->n_addresses == INTERFACE_ADDRESSES_MAX)
                        guest_error(
                                g, e->place,
                                "<ip>: user networking takes at most one IPv4 and one IPv6 address");
                else
                        i->addresses[i->n_addresses++] = a;
        }
}

/* passt gives the guest a default route and has no option for others. */
static void read_routes(Guest *g, Interface *i)
{
        InterfaceUser *u = &i->user;

        XML_FOREACH(e, i->device.xml, "route") {
                Route r = { 0 };

                fields_read(e, route_fields, &r, g->findings);
                if (!r.gateway || (!interface_is_ipv4(r.gateway) && !interface_is_ipv6(r.gateway)))
                        guest_error(g, e->place, "<route>: gateway='…' is missing or is not an IP address");
                else if (
                        (r.address && !streq(r.address, interface_is_ipv4(r.gateway) ? "0.0.0.0" : "::")) ||
                        (r.prefix && !streq(r.prefix, "0")))
                        guest_error(
                                g, e->place,
                                "<route>: passt supports only the default route; configure others inside "
                                "the guest");
                else if (u->n_gateways == INTERFACE_ADDRESSES_MAX)
                        guest_error(g, e->place, "<route>: passt takes at most one IPv4 and one IPv6 route");
                else
                        u->gateways[u->n_gateways++] = r.gateway;
        }
}

void interface_user_read(Guest *g, Interface *i)
{
        XmlElement *forward;

        read_addresses(g, i);
        if (i->user.passt == PASST_REQUIRE) {
                fields_read(i->device.xml, passt_fields, i, g->findings);
                read_routes(g, i);
        }
        if (i->user.passt == PASST_TRY && i->n_addresses > 0)
                i->user.passt = PASST_NO;
        if (i->user.passt == PASST_REQUIRE || (i->type == INTERFACE_USER && g->settings->user_scope)) {
                interface_forwards_read(g, i);
                return;
        }
        forward = xml_child(i->device.xml, "portForward");
        if (forward) {
                xml_claim_all(forward);
                guest_error(g, forward->place, "<portForward>: requires <backend type='passt'/>");
        }
}

/* ——— checking ——— */

static void check_addresses(const Guest *g, const Interface *i)
{
        const Device *d = &i->device;
        unsigned v4 = 0;

        for (unsigned n = 0; n < i->n_addresses; n++) {
                const InterfaceAddress *a = &i->addresses[n];
                bool is_v6 = a->family == FAMILY_IPV6;

                v4 += !is_v6;
                if (!(is_v6 ? interface_is_ipv6(a->address) : interface_is_ipv4(a->address)))
                        device_error(
                                g, d, "<ip>: '%s' is not an IPv%c address", a->address, is_v6 ? '6' : '4');
                else if (!is_v6 && a->prefix.value > 32)
                        device_error(g, d, "<ip>: the prefix of an IPv4 address must be at most 32");
                else if (is_v6 && i->user.passt && a->prefix.set && a->prefix.value != IPV6_PREFIX)
                        device_error(g, d, "<ip>: passt supports only prefix='%d' for IPv6", IPV6_PREFIX);
        }
        if (v4 > 1 || i->n_addresses - v4 > 1)
                device_error(g, d, "<ip>: user networking takes at most one address of each family");
}

/* What is lost where the host has no passt. */
static void check_fallback(const Guest *g, const Interface *i)
{
        interface_forwards_check_fallback(g, i);
        if (i->user.passt == PASST_TRY && i->mtu.set)
                device_warning(
                        g, &i->device,
                        "<mtu>: without passt on the host, QEMU's built-in user network does not tell the "
                        "guest its MTU");
}

static bool is_host_name(const char *name)
{
        return strlen(name) <= HOST_NAME_MAX_BYTES &&
               name[strspn(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.")] ==
                       '\0';
}

static void check_passt(const Guest *g, const Interface *i)
{
        const InterfaceUser *u = &i->user;
        const Device *d = &i->device;

        if (i->source.dev && !interface_name_is_plain(i->source.dev))
                device_error(g, d, "<source>: '%s' is not a valid interface name", i->source.dev);
        if (u->hostname && !is_host_name(u->hostname))
                device_error(g, d, "<backend>: hostname='%s' is not a valid host name", u->hostname);
        if (u->fqdn && !is_host_name(u->fqdn))
                device_error(g, d, "<backend>: fqdn='%s' is not a valid host name", u->fqdn);
        if (u->log_file && strpbrk(u->log_file, ",\\\""))
                device_error(
                        g, d, "<backend>: logFile must not contain a comma, a double quote or a backslash");
}

void interface_user_check(const Guest *g, const Interface *i)
{
        check_addresses(g, i);
        interface_forwards_check(g, i);
        if (i->user.passt)
                check_passt(g, i);
        if (i->user.passt != PASST_REQUIRE)
                check_fallback(g, i);
}

/* ——— building ——— */

static int ask_number(uint64_t n, PasstRequest *q, const char **ret)
{
        int r = strings_addf(&q->owned, "%llu", (unsigned long long) n);

        if (r >= 0)
                *ret = q->owned.items[q->owned.count - 1];
        return r;
}

static int ask_addresses(const Interface *i, PasstRequest *q)
{
        int r = 0;

        for (unsigned n = 0; r >= 0 && n < i->n_addresses; n++) {
                const InterfaceAddress *a = &i->addresses[n];

                r = strings_add(&q->addresses, a->address);
                if (r >= 0 && a->prefix.set && interface_is_ipv4(a->address))
                        r = ask_number(a->prefix.value, q, &q->netmask);
        }
        for (unsigned n = 0; r >= 0 && n < i->user.n_gateways; n++)
                r = strings_add(&q->gateways, i->user.gateways[n]);
        return r;
}

/* Fills in the request but for the number of the descriptor. */
static int ask_passt(const Interface *i, PasstRequest *q)
{
        int r;

        q->id = i->netdev_id;
        q->optional = i->user.passt == PASST_TRY;
        q->interface = i->source.dev;
        q->hostname = i->user.hostname;
        q->fqdn = i->user.fqdn;
        q->log_file = i->user.log_file;
        r = ask_addresses(i, q);
        if (r >= 0 && i->mtu.set)
                r = ask_number(i->mtu.value, q, &q->mtu);
        if (r >= 0 && i->type == INTERFACE_VHOST_USER) {
                r = strings_addf(&q->owned, "%s-passt.sock", i->device.id);
                if (r >= 0)
                        q->socket = q->owned.items[q->owned.count - 1];
        }
        return r < 0 ? r : interface_forwards_ask(i, q);
}

unsigned interface_user_ask_passt(const Interface *i, Plan *p)
{
        PasstRequest request = { 0 };
        unsigned number;

        if (ask_passt(i, &request) < 0) {
                passt_request_done(&request);
                p->status = -ENOMEM;
                return 0;
        }
        if (i->user.log_file)
                plan_grant(p, i->user.log_file, ACCESS_WRITE);
        if (i->source.dev && !request.optional)
                plan_prepare(p, OPTION_LINK, strdup(i->source.dev));
        interface_forwards_allow(i, p);
        plan_bind_any(p, "udp"); /* packets that the guest sends keep its port number on the host */
        number = plan_passt(p, i->type == INTERFACE_USER, &request);
        passt_request_done(&request);
        return number;
}

static void build_own(const Interface *i, Props *netdev)
{
        for (unsigned n = 0; n < i->n_addresses; n++) {
                const InterfaceAddress *a = &i->addresses[n];

                if (a->family == FAMILY_IPV6) {
                        props_text(netdev, "ipv6-prefix", a->address);
                        props_number_if(netdev, "ipv6-prefixlen", a->prefix);
                } else if (a->prefix.set) {
                        props_textf(
                                netdev, "net", "%s/%llu", a->address, (unsigned long long) a->prefix.value);
                } else {
                        props_text(netdev, "net", a->address);
                }
        }
        interface_forwards_build(i, netdev);
}

void interface_user_build(const Interface *i, Props *netdev, Plan *p)
{
        json_t *address;

        if (i->user.passt != PASST_REQUIRE)
                build_own(i, netdev);
        switch (i->user.passt) {
        case PASST_NO:
                interface_forwards_allow(i, p);
                plan_network(p, NETWORK_ANY);
                plan_peers(p);
                break;
        case PASST_TRY:
                (void) interface_user_ask_passt(i, p);
                break;
        case PASST_REQUIRE:
                props_bool(netdev, "server", false);
                address = props_object(netdev, "addr");
                json_object_set_new(address, "type", json_string("fd"));
                json_object_set_new(address, "str", json_sprintf("%u", interface_user_ask_passt(i, p)));
                break;
        }
}
