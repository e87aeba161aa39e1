/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <portForward>: ports of the host that lead to the guest of a user network. passt takes ranges, exclusions,
 * both address families and a single interface of the host; QEMU's built-in network takes single ports and
 * IPv4 addresses, an option for each. Whichever of them runs has to bind the ports, so the unit's sandbox
 * must allow that.
 *
 * The XML is the administrator's or the user's own, but its text goes into option lists of other programs:
 * addresses and names are checked to be nothing else.
 */

#include <errno.h>
#include <stdio.h>

#include "device/interface/interface.h"
#include "guest/guest.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "util/text.h"

#define PORT_MAX           65535
#define PORT_FORWARDS_MAX  64  /* of one interface */
#define PORT_RANGES_MAX    64  /* of one <portForward> */
#define FALLBACK_PORTS_MAX 256 /* that QEMU itself forwards, each by an option */

static const char *const protocol_words[] = { "tcp", "udp", NULL };

static const Field forward_fields[] = {
        FIELD_OF_WORDS("@proto", PortForward, protocol, protocol_words),
        FIELD("@address", FIELD_TEXT, PortForward, address),
        FIELD("@dev", FIELD_TEXT, PortForward, dev),
        {},
};

static const Field range_fields[] = {
        FIELD_IN_RANGE("@start", PortRange, start, 1, PORT_MAX),
        FIELD_IN_RANGE("@end", PortRange, end, 1, PORT_MAX),
        FIELD_IN_RANGE("@to", PortRange, to, 1, PORT_MAX),
        FIELD("@exclude", FIELD_YESNO, PortRange, exclude),
        {},
};

static void read_ranges(Guest *g, XmlElement *xml, PortForward *f)
{
        f->ranges = guest_zeroed(g, PORT_RANGES_MAX, sizeof(*f->ranges));
        XML_FOREACH(e, xml, "range") {
                PortRange r = { 0 };

                fields_read(e, range_fields, &r, g->findings);
                if (!xml_attribute(e, "start"))
                        guest_error(g, e->place, "<range>: start='…' is missing");
                else if (r.end.set && r.end.value < r.start.value)
                        guest_error(g, e->place, "<range>: end must not be less than start");
                else if (r.to.set && r.exclude == ON)
                        guest_error(g, e->place, "<range>: to='…' cannot be combined with exclude='yes'");
                else if (r.to.set && r.end.set && r.to.value + (r.end.value - r.start.value) > PORT_MAX)
                        guest_error(
                                g, e->place,
                                "<range>: to='…' is too high: the last port would be above 65535");
                else if (f->n_ranges == PORT_RANGES_MAX)
                        guest_error(
                                g, e->place, "<range>: a <portForward> can have at most %d of them",
                                PORT_RANGES_MAX);
                else if (f->ranges)
                        f->ranges[f->n_ranges++] = r;
        }
}

void interface_forwards_read(Guest *g, Interface *i)
{
        InterfaceUser *u = &i->user;

        u->forwards = guest_zeroed(g, PORT_FORWARDS_MAX, sizeof(*u->forwards));
        XML_FOREACH(e, i->device.xml, "portForward") {
                PortForward f = { .place = e->place };

                fields_read(e, forward_fields, &f, g->findings);
                read_ranges(g, e, &f);
                if (!xml_attribute(e, "proto"))
                        guest_error(g, e->place, "<portForward>: proto='tcp' or proto='udp' is missing");
                else if (u->n_forwards == PORT_FORWARDS_MAX)
                        guest_error(
                                g, e->place, "<portForward>: an interface can have at most %d of them",
                                PORT_FORWARDS_MAX);
                else if (u->forwards)
                        u->forwards[u->n_forwards++] = f;
        }
}

static void check_forward(const Guest *g, const PortForward *f)
{
        if (f->address && !interface_is_ipv4(f->address) && !interface_is_ipv6(f->address))
                guest_error(g, f->place, "<portForward>: '%s' is not an IP address", f->address);
        if (f->dev && !interface_name_is_plain(f->dev))
                guest_error(g, f->place, "<portForward>: '%s' is not a valid interface name", f->dev);
}

void interface_forwards_check(const Guest *g, const Interface *i)
{
        for (unsigned n = 0; n < i->user.n_forwards; n++)
                check_forward(g, &i->user.forwards[n]);
}

/* Whether QEMU's built-in network can forward it: single ports and IPv4 addresses only. */
static bool qemu_can_forward(const PortForward *f)
{
        for (unsigned n = 0; n < f->n_ranges; n++)
                if (f->ranges[n].exclude == ON)
                        return false;
        return f->n_ranges > 0 && !f->dev && (!f->address || interface_is_ipv4(f->address));
}

static uint64_t range_ports(const PortRange *r)
{
        return r->end.set ? r->end.value - r->start.value + 1 : 1;
}

static uint64_t fallback_ports(const Interface *i)
{
        uint64_t ports = 0;

        for (unsigned n = 0; n < i->user.n_forwards; n++)
                for (unsigned m = 0; m < i->user.forwards[n].n_ranges; m++)
                        ports += range_ports(&i->user.forwards[n].ranges[m]);
        return ports;
}

void interface_forwards_check_fallback(const Guest *g, const Interface *i)
{
        bool tried = i->user.passt == PASST_TRY;
        Severity severity = tried ? SEVERITY_WARNING : SEVERITY_ERROR;

        for (unsigned n = 0; n < i->user.n_forwards; n++)
                if (!qemu_can_forward(&i->user.forwards[n]))
                        finding(g->findings, severity, i->user.forwards[n].place,
                                "<portForward>: %sQEMU's built-in user network cannot forward this; it "
                                "requires <range start='…'/> without exclude, an IPv4 address if any, and "
                                "no dev",
                                tried ? "without passt on the host, " : "");
        if (fallback_ports(i) > FALLBACK_PORTS_MAX)
                device_error(
                        g, &i->device,
                        "<portForward>: QEMU's built-in user network can forward at most %d ports; use "
                        "<backend type='passt'/> to forward more",
                        FALLBACK_PORTS_MAX);
}

/* As passt writes it, except for the commas, which separate the keys of --passt=. */
static void write_ports(FILE *f, const PortForward *forward)
{
        fprintf(f, "%s%s%s%s", forward->address ?: "", forward->dev ? "%" : "", forward->dev ?: "",
                forward->address || forward->dev ? "/" : "");
        if (forward->n_ranges == 0)
                fputs("all", f);
        for (unsigned n = 0; n < forward->n_ranges; n++) {
                const PortRange *r = &forward->ranges[n];

                fprintf(f, "%s%s%llu", n > 0 ? "+" : "", r->exclude == ON ? "~" : "",
                        (unsigned long long) r->start.value);
                if (r->end.set)
                        fprintf(f, "-%llu", (unsigned long long) r->end.value);
                if (!r->to.set)
                        continue;
                fprintf(f, ":%llu", (unsigned long long) r->to.value);
                if (r->end.set)
                        fprintf(f, "-%llu", (unsigned long long) (r->to.value + range_ports(r) - 1));
        }
}

static int ask_forward(const PortForward *forward, PasstRequest *q)
{
        _cleanup_(text_writer_done) TextWriter w;
        _cleanup_(freep) char *ports = NULL;
        FILE *f = text_writer_start(&w);

        if (!f)
                return -ENOMEM;
        write_ports(f, forward);
        ports = text_writer_take(&w);
        if (!ports)
                return -ENOMEM;
        return passt_request_forward(q, forward->protocol == PORT_UDP, ports);
}

int interface_forwards_ask(const Interface *i, PasstRequest *q)
{
        int r = 0;

        for (unsigned n = 0; r >= 0 && n < i->user.n_forwards; n++)
                r = ask_forward(&i->user.forwards[n], q);
        return r;
}

/*
 * The program that forwards a port binds it, so the sandbox must allow that. Which ports "all" are, only the
 * host knows.
 */
void interface_forwards_allow(const Interface *i, Plan *p)
{
        for (unsigned n = 0; n < i->user.n_forwards; n++) {
                const PortForward *f = &i->user.forwards[n];
                const char *protocol = protocol_words[f->protocol - 1];
                bool all = true;

                for (unsigned m = 0; m < f->n_ranges; m++)
                        all = all && f->ranges[m].exclude == ON;
                if (all)
                        plan_listen(p, "%s", protocol);
                for (unsigned m = 0; m < f->n_ranges && !all; m++) {
                        const PortRange *r = &f->ranges[m];

                        if (r->exclude == ON)
                                continue;
                        if (r->end.set)
                                plan_listen(
                                        p, "%s:%llu-%llu", protocol, (unsigned long long) r->start.value,
                                        (unsigned long long) r->end.value);
                        else
                                plan_listen(p, "%s:%llu", protocol, (unsigned long long) r->start.value);
                }
        }
}

void interface_forwards_build(const Interface *i, Props *netdev)
{
        json_t *list = NULL;

        for (unsigned n = 0; n < i->user.n_forwards; n++) {
                const PortForward *f = &i->user.forwards[n];

                for (unsigned m = 0; m < f->n_ranges && qemu_can_forward(f); m++) {
                        const PortRange *r = &f->ranges[m];
                        uint64_t to = r->to.set ? r->to.value : r->start.value;

                        if (!list)
                                list = props_array(netdev, "hostfwd");
                        for (uint64_t k = 0; k < range_ports(r); k++)
                                json_array_append_new(
                                        list,
                                        json_pack(
                                                "{s:o}", "str",
                                                json_sprintf(
                                                        "%s:%s:%u-:%u", protocol_words[f->protocol - 1],
                                                        f->address ?: "", (unsigned) (r->start.value + k),
                                                        (unsigned) (to + k))));
                }
        }
}
