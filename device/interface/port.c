/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What rates, VLANs and isolation the host's end of an interface has. The XML may be a guest's or a
 * network's, so mistakes go to the caller's findings.
 *
 * libvirt's units are those of tc(8) for the words that libvirt passes to it: an average of 1000 is
 * "1000kbps", 1000 times 1000 bytes a second, but a burst of 1000 is "1000kb", 1000 KiB. After a pause a
 * guest receives a burst at the speed of peak; what it sends is only passed or dropped, so a peak has no
 * effect there, as under libvirt.
 *
 * <vlan> lists all VLANs of a port of a bridge. One <tag> is for traffic that the guest sends and receives
 * untagged; with several, or trunk='yes', traffic keeps its tags, except for the one with nativeMode.
 */

#include "device/interface/port.h"

#include "guest/guest.h"
#include "guest/plan/plan.h"

#define VLAN_ID_MAX 4094 /* 0 is no VLAN and 4095 is reserved; the kernel refuses both */

typedef enum NativeMode {
        NATIVE_TAGGED = 1,
        NATIVE_UNTAGGED,
} NativeMode;

static const char *const native_words[] = { "tagged", "untagged", NULL };

typedef struct VlanTag {
        Number id;
        int native; /* NativeMode */
} VlanTag;

static const Field tag_fields[] = {
        FIELD_IN_RANGE("@id", VlanTag, id, 1, VLAN_ID_MAX),
        FIELD_OF_WORDS("@nativeMode", VlanTag, native, native_words),
        {},
};

static const Field vlan_fields[] = {
        FIELD("@trunk", FIELD_YESNO, InterfacePort, trunk),
        {},
};

static void read_rate(XmlElement *bandwidth, const char *name, const InterfaceRate *rate, Findings *findings)
{
        XmlElement *e = xml_child(bandwidth, name);

        if (!e)
                return;
        if (!rate->average.set && !rate->floor.set)
                finding(findings, SEVERITY_ERROR, e->place, "<%s>: average='…' is missing", name);
        else if (!rate->average.set && (rate->peak.set || rate->burst.set))
                finding(findings, SEVERITY_ERROR, e->place, "<%s>: peak and burst require average", name);
        if (rate->floor.value > 0)
                finding(findings, SEVERITY_ERROR, e->place,
                        "<%s>: floor is not supported: vmunit does not shape the traffic of a whole network",
                        name);
}

/* Reads one tag. The native one is stored; the others are added to the tagged VLANs. */
static void read_tag(
        InterfacePort *p, XmlElement *e, bool trunk, uint64_t seen[static TAP_VLAN_WORDS],
        Findings *findings)
{
        VlanTag tag = { 0 };

        fields_read(e, tag_fields, &tag, findings);
        if (!xml_attribute(e, "id"))
                finding(findings, SEVERITY_ERROR, e->place, "<tag>: id='…' is missing");
        if (!tag.id.set)
                return;
        if (seen[tag.id.value / 64] & UINT64_C(1) << tag.id.value % 64)
                finding(findings, SEVERITY_ERROR, e->place, "<tag>: duplicate id='%u'",
                        (unsigned) tag.id.value);
        seen[tag.id.value / 64] |= UINT64_C(1) << tag.id.value % 64;
        if ((tag.native || !trunk) && p->native) {
                finding(findings, SEVERITY_ERROR, e->place,
                        "<tag>: nativeMode may be given for only one <tag>");
        } else if (tag.native || !trunk) {
                p->native = (unsigned) tag.id.value;
                p->native_tagged = tag.native == NATIVE_TAGGED;
        } else {
                p->has_tagged = true;
                p->tagged[tag.id.value / 64] |= UINT64_C(1) << tag.id.value % 64;
        }
}

static void read_vlans(InterfacePort *p, XmlElement *vlan, Findings *findings)
{
        XmlElement *first = xml_child(vlan, "tag");
        bool several = first && xml_next(first);
        uint64_t seen[TAP_VLAN_WORDS] = { 0 };

        fields_read(vlan, vlan_fields, p, findings);
        if (!first)
                finding(findings, SEVERITY_ERROR, vlan->place, "<vlan>: <tag id='…'/> is missing");
        if (several && p->trunk == OFF)
                finding(findings, SEVERITY_ERROR, vlan->place,
                        "<vlan>: trunk='no' cannot be combined with more than one <tag>");
        XML_FOREACH(e, vlan, "tag")
                read_tag(p, e, several || p->trunk == ON, seen, findings);
}

void interface_port_read(Guest *g, XmlElement *e, InterfacePort *p, Findings *findings)
{
        if (p->has_bandwidth) {
                read_rate(xml_child(e, "bandwidth"), "inbound", &p->inbound, findings);
                read_rate(xml_child(e, "bandwidth"), "outbound", &p->outbound, findings);
        }
        if (p->has_vlan)
                read_vlans(p, xml_child(e, "vlan"), findings);
}

void interface_port_inherit(InterfacePort *p, const InterfacePort *other)
{
        if (!p->has_bandwidth) {
                p->has_bandwidth = other->has_bandwidth;
                p->inbound = other->inbound;
                p->outbound = other->outbound;
        }
        if (!p->has_vlan) {
                p->has_vlan = other->has_vlan;
                p->native = other->native;
                p->native_tagged = other->native_tagged;
                p->has_tagged = other->has_tagged;
                memcpy(p->tagged, other->tagged, sizeof(p->tagged));
        }
        if (!p->isolated)
                p->isolated = other->isolated;
}

void interface_port_check(
        const Guest *g, const Device *d, const InterfacePort *p, bool has_tap, bool has_bridge)
{
        if (p->has_bandwidth && !has_tap)
                device_warning(g, d, "<bandwidth>: ignored; only TAP and macvtap devices can be shaped");
        if (p->outbound.peak.set)
                device_warning(
                        g, d,
                        "<outbound>: peak is ignored; outbound traffic is limited to average, after a "
                        "burst");
        if (p->has_vlan && !has_bridge)
                device_error(
                        g, d,
                        "<vlan>: requires a bridge; without one, use an interface of the host that is in "
                        "the VLAN (ip link add … type vlan)");
        if (p->isolated == ON && !has_bridge)
                device_error(g, d, "<port>: isolated='yes' requires a bridge");
        if (g->settings->user_scope && has_tap && (p->has_bandwidth || p->has_vlan || p->isolated == ON))
                device_error(
                        g, d,
                        "<interface>: <bandwidth>, <vlan> and <port> are not supported for a user's guest; "
                        "the administrator sets them for its TAP device in vmunit.conf");
}

static ShapeRate in_bytes(const InterfaceRate *rate)
{
        return (ShapeRate){
                .average = rate->average.value * 1000,
                .peak = rate->peak.value * 1000,
                .burst = rate->burst.value * KIB,
        };
}

void interface_port_plan(const InterfacePort *p, TapRequest *tap)
{
        tap->inbound = in_bytes(&p->inbound);
        tap->outbound = in_bytes(&p->outbound);
        tap->native = p->native;
        tap->native_tagged = p->native_tagged;
        tap->has_trunk = p->has_tagged;
        memcpy(tap->trunk, p->tagged, sizeof(tap->trunk));
        tap->isolated = p->isolated == ON;
}
