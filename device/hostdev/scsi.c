/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <hostdev type='scsi'> and <hostdev type='scsi_host'>: a SCSI unit of the host or of an iSCSI server, and a
 * target of the host's kernel. Which /dev/sgN a unit is may differ at each boot, so the launcher looks for
 * it by its address, opens it and passes the descriptor. QEMU requires the path of a character device, and
 * gets one in /proc/self/fd.
 */

#include "contract/fd-name.h"
#include "contract/options.h"
#include "device/hostdev/hostdev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/image/source.h"
#include "guest/place/device-props.h"

/* 'unfiltered' is missing: kernels no longer support it */
static const char *const sgio_words[] = { "filtered", NULL };
static const char *const protocol_words[] = { "vhost", NULL };

typedef struct HostScsi {
        Device device;
        int mode;
        bool read_only, shareable;
        Tristate rawio;
        int sgio;
        const char *adapter; /* "scsi_host0" */
        Number bus, target, unit;
        Source iscsi;
        unsigned host; /* the number of the adapter */
} HostScsi;

static const Field scsi_fields[] = {
        FIELD_OF_WORDS("@mode", HostScsi, mode, hostdev_mode_words),
        FIELD("source/adapter@name", FIELD_TEXT, HostScsi, adapter),
        FIELD_IN_RANGE("source/address@bus", HostScsi, bus, 0, UINT32_MAX),
        FIELD_IN_RANGE("source/address@target", HostScsi, target, 0, UINT32_MAX),
        FIELD_IN_RANGE("source/address@unit", HostScsi, unit, 0, UINT32_MAX),
        FIELD("readonly", FIELD_PRESENT, HostScsi, read_only),
        FIELD("shareable", FIELD_PRESENT, HostScsi, shareable),
        FIELD_SAID("@managed", FIELD_IGNORED, NULL), /* there is no driver to replace */
        FIELD("@rawio", FIELD_YESNO, HostScsi, rawio),
        FIELD_OF_WORDS("@sgio", HostScsi, sgio, sgio_words),
        {},
};

static bool is_iscsi(const HostScsi *h)
{
        return h->iscsi.network.protocol != 0;
}

static void scsi_read(Guest *g, Device *d)
{
        HostScsi *h = DEVICE_AS(HostScsi, d);
        XmlElement *source = xml_child(d->xml, "source");
        const char *number;

        if (source && xml_attribute(source, "protocol")) {
                source_read(g, d->xml, SOURCE_NETWORK, FORMAT_RAW, &h->iscsi);
                return;
        }
        if (!h->adapter || !h->bus.set || !h->target.set || !h->unit.set) {
                device_error(
                        g, d,
                        "<source>: <adapter name='…'/> and <address bus='…' target='…' unit='…'/> are "
                        "required");
                return;
        }
        number = text_after(h->adapter, "scsi_host");
        if (!number || text_to_unsigned(number, UINT32_MAX, &h->host) < 0)
                device_error(
                        g, d,
                        "<adapter>: name='%s' must be \"scsi_host\" and a number, as in "
                        "/sys/class/scsi_host",
                        h->adapter);
}

static void scsi_complete(Guest *g, Device *d)
{
        HostScsi *h = DEVICE_AS(HostScsi, d);
        static const SourceOptions options;

        d->bus = BUS_DRIVE;
        d->drive_bus = DRIVE_SCSI;
        device_set_next_id(g, d, "hostdev");
        h->iscsi.read_only = h->read_only;
        source_complete(g, &h->iscsi, &options);
        source_name_as(g, &h->iscsi, guest_text(g, "libvirt-%u", ++g->n_images));
        h->iscsi.node = h->iscsi.storage_node = guest_text(g, "libvirt-%u-backend", g->n_images);
}

static bool is_same_unit(const HostScsi *a, const HostScsi *b)
{
        if (is_iscsi(a) || is_iscsi(b))
                return is_iscsi(a) && is_iscsi(b) && a->iscsi.network.n_hosts > 0 &&
                       b->iscsi.network.n_hosts > 0 &&
                       streq_null(a->iscsi.network.name, b->iscsi.network.name) &&
                       streq_null(a->iscsi.network.hosts[0].name, b->iscsi.network.hosts[0].name) &&
                       a->iscsi.network.hosts[0].port.value == b->iscsi.network.hosts[0].port.value;
        return a->host == b->host && a->bus.value == b->bus.value && a->target.value == b->target.value &&
               a->unit.value == b->unit.value;
}

static void scsi_check(const Guest *g, const Device *d)
{
        const HostScsi *h = DEVICE_AS(HostScsi, d);

        hostdev_check_mode(g, d, h->mode);
        if (h->rawio == ON)
                device_warning(
                        g, d,
                        "<hostdev>: ignoring rawio='yes': QEMU runs without CAP_SYS_RAWIO, so a few SCSI "
                        "commands will fail");
        GUEST_FOREACH_DEVICE(g, d->kind, other)
                if (other->place.line < d->place.line && is_same_unit(h, DEVICE_AS(HostScsi, other)))
                        device_error(
                                g, d, "<hostdev>: this unit is already assigned to this guest in line %u",
                                other->place.line);
        if (!is_iscsi(h))
                return;
        if (h->iscsi.network.protocol != PROTOCOL_ISCSI)
                device_error(g, d, "<source>: protocol must be 'iscsi'");
        else
                source_check(g, &h->iscsi);
}

static void build_local(const HostScsi *h, Plan *p)
{
        Props node = props_new("driver", "host_device");
        const char *id = h->device.id;
        ScsiRequest request = {
                .id = id,
                .host = h->host,
                .bus = (unsigned) h->bus.value,
                .target = (unsigned) h->target.value,
                .unit = (unsigned) h->unit.value,
                .access = h->read_only   ? ACCESS_READ
                          : h->shareable ? ACCESS_WRITE_SHARED
                                         : ACCESS_WRITE,
        };

        plan_prepare(p, OPTION_SCSI, scsi_request_write(&request));
        props_textf(&node, "filename", "/proc/self/fd/%u", plan_fd(p, false, fd_name_scsi(id)));
        props_text(&node, "node-name", h->iscsi.node);
        props_bool(&node, "read-only", h->read_only);
        plan_json(p, "-blockdev", &node);
        for (size_t i = 0; i < p->n_directives; i++)
                if (streq(p->directives[i].key, "DeviceAllow") &&
                    streq_null(p->directives[i].value, "char-sg rw"))
                        return;
        plan_directive(p, "DeviceAllow", "char-sg rw");
}

static void scsi_build(const Guest *g, const Device *d, Plan *p)
{
        const HostScsi *h = DEVICE_AS(HostScsi, d);
        Props device = props_new("driver", "scsi-generic");

        if (h->rawio == ON)
                plan_use(p, POLICY_RAW_IO);
        if (is_iscsi(h))
                source_build(g, &h->iscsi, p);
        else
                build_local(h, p);
        props_text(&device, "drive", h->iscsi.node);
        if (h->shareable)
                props_bool(&device, "share-rw", true);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_hostdev_scsi = {
        .element = "hostdev",
        .type = "scsi",
        .size = sizeof(HostScsi),
        .fields = scsi_fields,
        .has_boot = true,
        .read = scsi_read,
        .complete = scsi_complete,
        .check = scsi_check,
        .build = scsi_build,
};

typedef struct HostVhostScsi {
        Device device;
        int mode, protocol, model;
        const char *wwpn;
} HostVhostScsi;

static const Field vhost_fields[] = {
        FIELD_OF_WORDS("@mode", HostVhostScsi, mode, hostdev_mode_words),
        FIELD_OF_WORDS("@model", HostVhostScsi, model, virtio_model_words),
        FIELD_OF_WORDS("source@protocol", HostVhostScsi, protocol, protocol_words),
        FIELD("source@wwpn", FIELD_TEXT, HostVhostScsi, wwpn),
        FIELD_SAID("@managed", FIELD_IGNORED, NULL), /* there is no driver to replace */
        FIELD_SAID(
                "boot", FIELD_REFUSED,
                "is not supported for type='scsi_host': QEMU cannot boot from a vhost target"),
        {},
};

static bool is_wwpn(const char *s)
{
        const char *digits = text_after(s, "naa.");

        return digits && strlen(digits) == 16 && digits[strspn(digits, "0123456789abcdefABCDEF")] == '\0';
}

static void vhost_complete(Guest *g, Device *d)
{
        device_set_next_id(g, d, "hostdev");
        device_virtio_complete(g, d, DEVICE_AS(HostVhostScsi, d)->model);
}

static void vhost_check(const Guest *g, const Device *d)
{
        const HostVhostScsi *h = DEVICE_AS(HostVhostScsi, d);

        hostdev_check_mode(g, d, h->mode);
        if (!h->protocol)
                device_error(
                        g, d, "<hostdev>: type='scsi_host' requires <source protocol='vhost' wwpn='…'/>");
        if (!h->wwpn || !is_wwpn(h->wwpn))
                device_error(
                        g, d, "<source>: wwpn='%s' must be \"naa.\" and 16 hexadecimal digits",
                        h->wwpn ?: "");
}

static void vhost_build(const Guest *g, const Device *d, Plan *p)
{
        const HostVhostScsi *h = DEVICE_AS(HostVhostScsi, d);
        Props device = device_virtio_new(d, "vhost-scsi", h->model);

        plan_use(p, POLICY_HOST_DEVICES);
        plan_use(p, POLICY_SCSI);
        plan_share_device(p, "/dev/vhost-scsi");
        props_text(&device, "wwpn", h->wwpn);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_hostdev_scsi_host = {
        .element = "hostdev",
        .type = "scsi_host",
        .size = sizeof(HostVhostScsi),
        .fields = vhost_fields,
        .has_virtio_options = true,
        .complete = vhost_complete,
        .check = vhost_check,
        .build = vhost_build,
};
