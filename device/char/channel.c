/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <channel>: a named port between guest and host, such as the guest agent's, or a TCP connection that the
 * guest makes to an address of its user network (guestfwd), which has no device.
 */

#include <arpa/inet.h>

#include "device/char/chardev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define SPICE_CHANNEL "com.redhat.spice.0"

typedef enum ChannelTarget {
        CHANNEL_VIRTIO = 1,
        CHANNEL_GUESTFWD,
} ChannelTarget;

typedef struct Channel {
        Device device;
        Chardev chardev;
        int target; /* ChannelTarget */
        const char *name, *address;
        Number port;
} Channel;

static const char *const target_words[] = { "virtio", "guestfwd", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("target@type", Channel, target, target_words),
        {},
};

static const Field virtio_fields[] = {
        FIELD("target@name", FIELD_TEXT, Channel, name),
        FIELD_SAID("target@state", FIELD_IGNORED, NULL), /* state of a running guest */
        {},
};

static const Field guestfwd_fields[] = {
        FIELD("target@address", FIELD_TEXT, Channel, address),
        FIELD_IN_RANGE("target@port", Channel, port, 1, 65535),
        {},
};

static void channel_read(Guest *g, Device *d)
{
        Channel *c = DEVICE_AS(Channel, d);
        XmlElement *target = xml_child(d->xml, "target");

        chardev_read(g, d->xml, &c->chardev);
        if (!target || !xml_attribute(target, "type"))
                device_error(
                        g, d,
                        "<channel>: <target type='virtio' name='…'/> or <target type='guestfwd' …/> is "
                        "missing");
        if (c->target)
                fields_read(
                        d->xml, c->target == CHANNEL_VIRTIO ? virtio_fields : guestfwd_fields, c,
                        g->findings);
}

/*
 * Named after the port, so that the agent's socket is easy to find, or after the id if the name is not a
 * file name.
 */
static void choose_path(Guest *g, Channel *c)
{
        const char *name = c->name && !strchr(c->name, '/') && strlen(c->name) < 64 ? c->name : c->device.id;

        if (c->chardev.type == CHARDEV_UNIX && chardev_path_is_libvirts(&c->chardev, c->name))
                chardev_generate_path(g, &c->chardev, guest_text(g, "channel-%s", name));
}

static void channel_complete(Guest *g, Device *d)
{
        Channel *c = DEVICE_AS(Channel, d);

        device_set_id(g, d, "channel%u", d->index);
        if (c->target != CHANNEL_VIRTIO)
                return;
        d->bus = BUS_VIRTIO_SERIAL;
        choose_path(g, c);
        if (c->chardev.type == CHARDEV_SPICEVMC) {
                c->chardev.spice_name = "vdagent";
                if (!c->name)
                        c->name = SPICE_CHANNEL;
        }
        if (c->chardev.type == CHARDEV_DBUS && !c->chardev.channel && c->name &&
            streq(c->name, SPICE_CHANNEL))
                c->chardev.channel = "org.qemu.vdagent";
}

static void check_guestfwd(const Guest *g, const Channel *c)
{
        struct in_addr address;

        if (!c->address || !c->port.set)
                device_error(
                        g, &c->device,
                        "<target>: address='…' and port='…' in the guest's network are required");
        else if (inet_pton(AF_INET, c->address, &address) != 1)
                device_error(g, &c->device, "<target>: address='%s' is not an IPv4 address", c->address);
        if (c->device.address.type != ADDRESS_NONE)
                device_error(
                        g, &c->device,
                        "<channel>: <address> cannot be combined with <target type='guestfwd'>");
}

static void channel_check(const Guest *g, const Device *d)
{
        const Channel *c = DEVICE_AS(Channel, d);

        chardev_check(g, &c->chardev);
        if (c->target == CHANNEL_GUESTFWD) {
                check_guestfwd(g, c);
                return;
        }
        if (c->chardev.type == CHARDEV_SPICEVMC && !streq(c->name, SPICE_CHANNEL))
                device_error(g, d, "<channel>: type='spicevmc' requires <target name='" SPICE_CHANNEL "'/>");
        /* names are unique across all controllers */
        GUEST_FOREACH_DEVICE(g, &kind_channel, other)
                if (other->index < d->index && c->name &&
                    streq_null(DEVICE_AS(Channel, other)->name, c->name))
                        device_error(
                                g, d, "<target>: name='%s' is already used by another channel", c->name);
}

static void build_guestfwd(const Channel *c, Plan *p)
{
        Props netdev = props_new("type", "user");
        json_t *forward =
                json_sprintf("tcp:%s:%u-chardev:char%s", c->address, (unsigned) c->port.value, c->device.id);

        json_array_append_new(props_array(&netdev, "guestfwd"), json_pack("{s:o}", "str", forward));
        props_text(&netdev, "id", c->device.id);
        plan_json(p, "-netdev", &netdev);
}

static void channel_build(const Guest *g, const Device *d, Plan *p)
{
        const Channel *c = DEVICE_AS(Channel, d);
        Props device;

        chardev_build(g, p, &c->chardev, d->id);
        if (c->target == CHANNEL_GUESTFWD) {
                build_guestfwd(c, p);
                return;
        }
        device = props_new("driver", "virtserialport");
        props_textf(&device, "chardev", "char%s", d->id);
        props_text(&device, "name", c->name);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_channel = {
        .element = "channel",
        .size = sizeof(Channel),
        .fields = fields,
        .has_acpi_index = true,
        .read = channel_read,
        .complete = channel_complete,
        .check = channel_check,
        .build = channel_build,
};
