/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <interface>: the network card that the guest sees. What it is connected to on the host is in backend.c,
 * tap.c and user.c; a card of the host that is passed through is in hostdev.c.
 *
 * The XML comes from the administrator, or from the user whose guest it is.
 */

#include "device/interface/interface.h"

#include <ctype.h>
#include <strings.h>

#include "contract/limits.h"
#include "contract/options.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/identity.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"
#include "util/text.h"

static const char *const type_words[] = {
        "user",   "ethernet", "bridge", "network", "direct", "vhostuser", "vdpa",
        "server", "client",   "mcast",  "udp",     "null",   NULL,
};
static const char *const driver_words[] = { "qemu", "vhost", NULL };
static const char *const txmode_words[] = { "iothread", "timer", NULL };
static const char *const link_words[] = { "up", "down", NULL };
static const char *const backend_words[] = { "default", "passt", NULL };
static const char *const teaming_words[] = { "persistent", "transient", NULL };
static const char *const socket_mode_words[] = { "client", "server", NULL };

typedef enum TxMode {
        TXMODE_IOTHREAD = 1,
        TXMODE_TIMER,
} TxMode;

typedef enum LinkState {
        LINK_UP = 1,
        LINK_DOWN,
} LinkState;

typedef enum Backend {
        BACKEND_DEFAULT = 1,
        BACKEND_PASST,
} Backend;

typedef enum Teaming {
        TEAMING_PERSISTENT = 1,
        TEAMING_TRANSIENT,
} Teaming;

static const Field fields[] = {
        FIELD_OF_WORDS("@type", Interface, type, type_words),
        FIELD("@trustGuestRxFilters", FIELD_YESNO, Interface, trust_filters),
        FIELD("mac@address", FIELD_MAC, Interface, mac),
        FIELD_SAID("mac@type", FIELD_IGNORED, NULL), /* for other hypervisors, like the next one */
        FIELD_SAID("mac@check", FIELD_IGNORED, NULL),
        FIELD("model@type", FIELD_TEXT, Interface, model),
        FIELD("target@dev", FIELD_TEXT, Interface, target),
        FIELD("target@managed", FIELD_YESNO, Interface, managed),
        FIELD("script@path", FIELD_PATH, Interface, script),
        FIELD("downscript@path", FIELD_PATH, Interface, downscript),
        FIELD_OF_WORDS("driver@name", Interface, driver, driver_words),
        FIELD_OF_WORDS("driver@txmode", Interface, txmode, txmode_words),
        FIELD("driver@ioeventfd", FIELD_SWITCH, Interface, ioeventfd),
        FIELD("driver@event_idx", FIELD_SWITCH, Interface, event_idx),
        FIELD_IN_RANGE("driver@queues", Interface, queues, 0, TAP_QUEUES_MAX),
        FIELD("driver@rss", FIELD_SWITCH, Interface, rss),
        FIELD("driver@rss_hash_report", FIELD_SWITCH, Interface, rss_hash_report),
        FIELD_IN_RANGE("driver@rx_queue_size", Interface, rx_queue_size, 0, 1024),
        FIELD_IN_RANGE("driver@tx_queue_size", Interface, tx_queue_size, 0, 1024),
        FIELD("driver/host@csum", FIELD_SWITCH, Interface, host.csum),
        FIELD("driver/host@gso", FIELD_SWITCH, Interface, host.gso),
        FIELD("driver/host@tso4", FIELD_SWITCH, Interface, host.tso4),
        FIELD("driver/host@tso6", FIELD_SWITCH, Interface, host.tso6),
        FIELD("driver/host@ecn", FIELD_SWITCH, Interface, host.ecn),
        FIELD("driver/host@ufo", FIELD_SWITCH, Interface, host.ufo),
        FIELD("driver/host@mrg_rxbuf", FIELD_SWITCH, Interface, host.mrg_rxbuf),
        FIELD("driver/guest@csum", FIELD_SWITCH, Interface, guest.csum),
        FIELD("driver/guest@tso4", FIELD_SWITCH, Interface, guest.tso4),
        FIELD("driver/guest@tso6", FIELD_SWITCH, Interface, guest.tso6),
        FIELD("driver/guest@ecn", FIELD_SWITCH, Interface, guest.ecn),
        FIELD("driver/guest@ufo", FIELD_SWITCH, Interface, guest.ufo),
        FIELD_OF_WORDS("backend@type", Interface, backend, backend_words),
        FIELD_OF_WORDS("link@state", Interface, link, link_words),
        FIELD_IN_RANGE("mtu@size", Interface, mtu, MTU_MIN, MTU_MAX),
        FIELD_IN_RANGE("tune/sndbuf", Interface, sndbuf, 0, INT32_MAX),
        FIELD_OF_WORDS("teaming@type", Interface, teaming, teaming_words),
        FIELD_SAID("guest", FIELD_IGNORED, NULL), /* for containers */
        FIELD_SAID("backend@tap", FIELD_WARNED, "ignored; TAP devices are always created with /dev/net/tun"),
        FIELD_SAID("backend@vhost", FIELD_WARNED, "ignored; vhost always uses /dev/vhost-net"),
        FIELD_SAID(
                "coalesce", FIELD_WARNED,
                "ignored; interrupt coalescing of the host's end is not supported"),
        INTERFACE_PORT_FIELDS(Interface, port),
        FIELD_SAID(
                "filterref", FIELD_REFUSED,
                "network filters such as 'clean-traffic' are not supported; write nftables rules (family "
                "bridge) that match the name in <target dev='…'/>"),
        FIELD_SAID(
                "virtualport", FIELD_REFUSED,
                "virtual ports (openvswitch, 802.1Qbg, 802.1Qbh, midonet) are not supported; use a Linux "
                "bridge, with <vlan> for VLANs"),
        {},
};

static const Field bridge_source[] = {
        FIELD("source@bridge", FIELD_TEXT, Interface, source.bridge),
        {},
};
static const Field network_source[] = {
        FIELD("source@network", FIELD_TEXT, Interface, source.network),
        FIELD("source@portgroup", FIELD_TEXT, Interface, source.portgroup),
        FIELD_SAID("source@portid", FIELD_IGNORED, NULL), /* set by libvirt while the guest runs */
        FIELD("source@bridge", FIELD_TEXT, Interface, source.bridge), /* like the one before */
        {},
};
static const Field direct_source[] = {
        FIELD("source@dev", FIELD_TEXT, Interface, source.dev),
        FIELD_OF_WORDS("source@mode", Interface, source.direct_mode, direct_mode_words),
        {},
};
static const Field vhost_user_source[] = {
        FIELD("source@type", FIELD_TEXT, Interface, source.kind),
        FIELD("source@path", FIELD_PATH, Interface, source.path),
        FIELD_OF_WORDS("source@mode", Interface, source.socket_mode, socket_mode_words),
        FIELD("source/reconnect@enabled", FIELD_YESNO, Interface, source.reconnect),
        FIELD_IN_RANGE(
                "source/reconnect@timeout", Interface, source.reconnect_seconds, 0, UINT32_MAX / 1000),
        {},
};
static const Field vdpa_source[] = {
        FIELD("source@dev", FIELD_PATH, Interface, source.dev),
        {},
};
static const Field socket_source[] = {
        FIELD("source@address", FIELD_TEXT, Interface, source.address),
        FIELD("source@port", FIELD_TEXT, Interface, source.port),
        FIELD("source/local@address", FIELD_TEXT, Interface, source.local_address),
        FIELD("source/local@port", FIELD_TEXT, Interface, source.local_port),
        {},
};

static const Field *const source_of[] = {
        [INTERFACE_BRIDGE] = bridge_source, [INTERFACE_NETWORK] = network_source,
        [INTERFACE_DIRECT] = direct_source, [INTERFACE_VHOST_USER] = vhost_user_source,
        [INTERFACE_VDPA] = vdpa_source,     [INTERFACE_SERVER] = socket_source,
        [INTERFACE_CLIENT] = socket_source, [INTERFACE_MCAST] = socket_source,
        [INTERFACE_UDP] = socket_source,
};

/*
 * The models that QEMU's PCs have, and the slot that each plugs into; others are passed to QEMU with a
 * warning. libvirt puts the models that it does not know into PCI Express slots although they are
 * conventional cards, and the guest must see the same.
 */
static const struct {
        const char *model, *driver;
        Bus bus;
        unsigned pci;
} models[] = {
        { "e1000", "e1000", BUS_PCI, PCI_CONVENTIONAL },
        { "e1000-82544gc", "e1000-82544gc", BUS_PCI, PCI_EXPRESS },
        { "e1000-82545em", "e1000-82545em", BUS_PCI, PCI_EXPRESS },
        { "e1000e", "e1000e", BUS_PCI, PCI_EXPRESS },
        { "igb", "igb", BUS_PCI, PCI_EXPRESS },
        { "rtl8139", "rtl8139", BUS_PCI, PCI_CONVENTIONAL },
        { "ne2k_pci", "ne2k_pci", BUS_PCI, PCI_EXPRESS },
        { "ne2k_isa", "ne2k_isa", BUS_NONE, 0 },
        { "pcnet", "pcnet", BUS_PCI, PCI_EXPRESS },
        { "tulip", "tulip", BUS_PCI, PCI_EXPRESS },
        { "vmxnet3", "vmxnet3", BUS_PCI, PCI_CONVENTIONAL },
        { "i82550", "i82550", BUS_PCI, PCI_EXPRESS },
        { "i82551", "i82551", BUS_PCI, PCI_EXPRESS },
        { "i82557b", "i82557b", BUS_PCI, PCI_EXPRESS },
        { "i82559er", "i82559er", BUS_PCI, PCI_EXPRESS },
        { "i82562", "i82562", BUS_PCI, PCI_EXPRESS },
        { "i82801", "i82801", BUS_PCI, PCI_EXPRESS },
        { "usb-net", "usb-net", BUS_USB, 0 },
};

static void interface_read(Guest *g, Device *d)
{
        Interface *i = DEVICE_AS(Interface, d);
        XmlElement *source = xml_child(d->xml, "source");

        if (!xml_attribute(d->xml, "type"))
                device_error(g, d, "<interface>: type='…' is missing");
        if (source && !i->type) /* what may be in it depends on the type */
                xml_claim_all(source);
        if ((size_t) i->type < ELEMENTS(source_of) && source_of[i->type])
                fields_read(d->xml, source_of[i->type], i, g->findings);
        interface_port_read(g, d->xml, &i->port, g->findings);
        if (i->backend == BACKEND_PASST)
                i->user.passt = PASST_REQUIRE;
        else if (i->type == INTERFACE_USER && !i->backend && g->settings->user_scope)
                i->user.passt = PASST_TRY;
        interface_user_read(g, i);
}

/* 52:54:00 is QEMU's prefix. */
static const char *derive_mac(Guest *g, unsigned index)
{
        uint64_t hash = identity_derive(g, "mac", index);

        return guest_text(
                g, "52:54:00:%02x:%02x:%02x", (unsigned) (hash >> 16 & 0xff), (unsigned) (hash >> 8 & 0xff),
                (unsigned) (hash & 0xff));
}

static void complete_mac(Guest *g, Interface *i)
{
        bool missing = !i->mac;
        uint8_t m[6];

        if (missing)
                i->mac = derive_mac(g, i->device.index);
        if (text_to_mac(i->mac, m) < 0)
                return;
        if (m[0] & 1)
                device_error(
                        g, &i->device,
                        "<mac>: '%s' is a multicast address; the first byte of a network card's address "
                        "must be even",
                        i->mac);
        i->mac = guest_text(g, "%s", mac_text(m).text);
        identity_add(g, (Identity){ "mac", i->device.index, i->device.xml, "mac@address", i->mac, missing });
        i->host_mac = guest_text(g, "fe:%02x:%02x:%02x:%02x:%02x", m[1], m[2], m[3], m[4], m[5]);
}

static void complete_model(Guest *g, Interface *i)
{
        Device *d = &i->device;

        if (!i->model)
                i->model = i->type == INTERFACE_VHOST_USER || i->type == INTERFACE_VDPA || !os_is_x86(g->os)
                                   ? "virtio"
                                   : "rtl8139";
        for (int m = 0; virtio_model_words[m]; m++)
                if (strcasecmp(virtio_model_words[m], i->model) == 0)
                        i->virtio_model = m + 1;
        if (i->virtio_model) {
                device_virtio_complete(g, d, i->virtio_model);
                return;
        }
        for (size_t m = 0; m < ELEMENTS(models); m++)
                if (strcasecmp(models[m].model, i->model) == 0) {
                        i->model = models[m].driver;
                        d->bus = models[m].bus;
                        d->pci = models[m].pci;
                        return;
                }
        d->bus = BUS_PCI;
        d->pci = PCI_CONVENTIONAL;
        if (i->model[strspn(i->model, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] !=
            '\0')
                device_error(g, d, "<model>: '%s' is not a valid network card model", i->model);
        else
                device_warning(
                        g, d, "<model>: '%s' is not a known network card; passing it to QEMU as it is",
                        i->model);
}

static void interface_complete(Guest *g, Device *d)
{
        Interface *i = DEVICE_AS(Interface, d);

        device_set_next_id(g, d, "net");
        d->boot_class = BOOT_CLASS_NETWORK;
        i->link_down = i->link == LINK_DOWN;
        complete_mac(g, i);
        complete_model(g, i);
        interface_backend_complete(g, i);
}

static bool has_virtio_driver_options(const Interface *i)
{
        static const Offloads none;

        return i->txmode || i->ioeventfd || i->event_idx || i->rss || i->rss_hash_report ||
               i->rx_queue_size.set || i->tx_queue_size.set || memcmp(&i->host, &none, sizeof(none)) != 0 ||
               memcmp(&i->guest, &none, sizeof(none)) != 0;
}

static bool is_queue_size(Number n)
{
        return !n.set || n.value == 0 || (n.value & (n.value - 1)) == 0;
}

static void interface_check(const Guest *g, const Device *d)
{
        const Interface *i = DEVICE_AS(Interface, d);

        if (!i->virtio_model) {
                device_no_virtio_options(g, d);
                if (i->queues.value > 1)
                        device_error(g, d, "<driver>: queues requires <model type='virtio'/>");
                if (i->driver == INTERFACE_DRIVER_VHOST)
                        device_error(g, d, "<driver>: name='vhost' requires <model type='virtio'/>");
                if (has_virtio_driver_options(i))
                        device_warning(
                                g, d, "<driver>: ignoring options that require <model type='virtio'/>");
                if (i->teaming)
                        device_error(g, d, "<teaming>: type='persistent' requires <model type='virtio'/>");
        }
        if (i->teaming == TEAMING_TRANSIENT)
                device_error(g, d, "<teaming>: type='transient' requires <interface type='hostdev'>");
        if (!is_queue_size(i->rx_queue_size) || !is_queue_size(i->tx_queue_size))
                device_error(g, d, "<driver>: rx_queue_size and tx_queue_size must be powers of two");
        if (d->bus == BUS_NONE && d->address.type == ADDRESS_PCI)
                device_error(
                        g, d, "<address>: model '%s' is not a PCI device and cannot have a PCI address",
                        i->model);
        if (i->trust_filters == ON)
                device_warning(
                        g, d,
                        "<interface>: trustGuestRxFilters is ignored: the host's end does not follow the "
                        "guest's receive filters");
        GUEST_FOREACH_DEVICE(g, &kind_interface, other)
                if (other->index < d->index && streq(DEVICE_AS(Interface, other)->mac, i->mac))
                        device_warning(g, d, "<mac>: '%s' is already used by another interface", i->mac);
        interface_backend_check(g, i);
}

static void set_offloads(const Interface *i, Props *device)
{
        props_bool_if(device, "csum", i->host.csum);
        props_bool_if(device, "gso", i->host.gso);
        props_bool_if(device, "host_tso4", i->host.tso4);
        props_bool_if(device, "host_tso6", i->host.tso6);
        props_bool_if(device, "host_ecn", i->host.ecn);
        props_bool_if(device, "host_ufo", i->host.ufo);
        props_bool_if(device, "mrg_rxbuf", i->host.mrg_rxbuf);
        props_bool_if(device, "guest_csum", i->guest.csum);
        props_bool_if(device, "guest_tso4", i->guest.tso4);
        props_bool_if(device, "guest_tso6", i->guest.tso6);
        props_bool_if(device, "guest_ecn", i->guest.ecn);
        props_bool_if(device, "guest_ufo", i->guest.ufo);
}

static Props virtio_new(const Interface *i)
{
        Props device = device_virtio_new(&i->device, "virtio-net", i->virtio_model);

        if (i->txmode)
                props_text(&device, "tx", i->txmode == TXMODE_IOTHREAD ? "bh" : "timer");
        props_bool_if(&device, "ioeventfd", i->ioeventfd);
        props_bool_if(&device, "event_idx", i->event_idx);
        set_offloads(i, &device);
        if (i->queues.value > 1) {
                props_bool(&device, "mq", true);
                props_number(
                        &device, "vectors",
                        2 * i->queues.value +
                                2); /* one per queue and direction, one for control, one for configuration */
        }
        if (i->rx_queue_size.value > 0)
                props_number(&device, "rx_queue_size", i->rx_queue_size.value);
        if (i->tx_queue_size.value > 0)
                props_number(&device, "tx_queue_size", i->tx_queue_size.value);
        props_bool_if(&device, "rss", i->rss);
        props_bool_if(&device, "hash", i->rss_hash_report);
        props_number_if(&device, "host_mtu", i->mtu);
        if (i->teaming)
                props_bool(&device, "failover", true);
        return device;
}

static void interface_build(const Guest *g, const Device *d, Plan *p)
{
        const Interface *i = DEVICE_AS(Interface, d);
        Props device = i->virtio_model ? virtio_new(i) : props_new("driver", i->model);

        if (i->type != INTERFACE_NULL) {
                interface_backend_build(g, i, p);
                props_text(&device, "netdev", i->netdev_id);
        }
        props_text(&device, "mac", i->mac);
        plan_claim(p, CLAIM_MAC, i->mac, d->place);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
        if (i->link_down)
                plan_run(p, "--" OPTION_LINK_DOWN "=%s", d->id);
}

const DeviceKind kind_interface = {
        .element = "interface",
        .size = sizeof(Interface),
        .fields = fields,
        .has_virtio_options = true,
        .has_rom = true,
        .has_boot = true,
        .has_acpi_index = true,
        .read = interface_read,
        .complete = interface_complete,
        .check = interface_check,
        .build = interface_build,
};
