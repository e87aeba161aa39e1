/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <hostdev type='usb'>: a USB device of the host, named by its place on a bus or by vendor and product. The
 * launcher looks for it: for QEMU's own search, the guest's user would have to own all USB devices of the
 * host.
 */

#include "contract/fd-name.h"
#include "contract/options.h"
#include "device/hostdev/hostdev.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define PORT_TEXT_MAX 23 /* at most seven levels, three digits each */

typedef struct HostdevUsb {
        Device device;
        int mode, startup, reset; /* HostdevMode, StartupPolicy, Reset */
        Number bus, number, vendor, product;
        Tristate auto_address;
        const char *port, *node;
} HostdevUsb;

typedef enum StartupPolicy {
        STARTUP_MANDATORY = 1,
        STARTUP_REQUISITE,
        STARTUP_OPTIONAL,
} StartupPolicy;

typedef enum Reset {
        RESET_OFF = 1,
        RESET_UNINITIALIZED,
        RESET_ON,
} Reset;

static const char *const startup_words[] = { "mandatory", "requisite", "optional", NULL };
static const char *const reset_words[] = { "off", "uninitialized", "on", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@mode", HostdevUsb, mode, hostdev_mode_words),
        FIELD_SAID("@managed", FIELD_IGNORED, NULL),       /* QEMU detaches it from its driver itself */
        FIELD_SAID("source@missing", FIELD_IGNORED, NULL), /* what libvirt last saw */
        FIELD("source@autoAddress", FIELD_YESNO, HostdevUsb, auto_address),
        FIELD_OF_WORDS("source@startupPolicy", HostdevUsb, startup, startup_words),
        FIELD_OF_WORDS("source@guestReset", HostdevUsb, reset, reset_words),
        FIELD_IN_RANGE("source/vendor@id", HostdevUsb, vendor, 1, 0xffff),
        FIELD_IN_RANGE("source/product@id", HostdevUsb, product, 0, 0xffff),
        FIELD_IN_RANGE("source/address@bus", HostdevUsb, bus, 1, 999),
        FIELD_IN_RANGE("source/address@device", HostdevUsb, number, 1, 999),
        FIELD("source/address@port", FIELD_TEXT, HostdevUsb, port),
        {},
};

static bool port_is_plain(const char *port)
{
        return port[strspn(port, "0123456789.")] == '\0' && port[0] != '.' && strlen(port) <= PORT_TEXT_MAX;
}

static void hostdev_usb_complete(Guest *g, Device *d)
{
        HostdevUsb *u = DEVICE_AS(HostdevUsb, d);

        device_set_next_id(g, d, "hostdev");
        d->bus = BUS_USB;
        if (u->auto_address == ON) /* where libvirt last found it */
                u->bus = u->number = (Number){ 0 };
        if (!u->vendor.set && u->number.set)
                u->node = guest_text(
                        g, "/dev/bus/usb/%03u/%03u", (unsigned) u->bus.value, (unsigned) u->number.value);
}

static bool is_same(const HostdevUsb *a, const HostdevUsb *b)
{
        return a->vendor.value == b->vendor.value && a->product.value == b->product.value &&
               a->bus.value == b->bus.value && a->number.value == b->number.value &&
               streq_null(a->port, b->port);
}

static void hostdev_usb_check(const Guest *g, const Device *d)
{
        const HostdevUsb *u = DEVICE_AS(HostdevUsb, d);

        hostdev_check_mode(g, d, u->mode);
        if (u->vendor.set != u->product.set)
                device_error(g, d, "<source>: <vendor id='…'/> and <product id='…'/> require each other");
        if (!u->vendor.set && !(u->bus.set && (u->number.set || u->port)))
                device_error(
                        g, d,
                        "<source>: either <vendor id='…'/> and <product id='…'/> or <address bus='…' "
                        "device='…'/> is required");
        if (u->port && u->number.set)
                device_error(g, d, "<address>: device='…' cannot be combined with port='…'");
        if (u->port && !port_is_plain(u->port))
                device_error(
                        g, d, "<address>: port='%s' must be numbers separated by dots, such as 1.4",
                        u->port);
        if (u->startup && u->startup != STARTUP_MANDATORY)
                device_warning(
                        g, d,
                        "<source>: ignoring startupPolicy='%s': the guest does not start without the device",
                        startup_words[u->startup - 1]);
        GUEST_FOREACH_DEVICE(g, &kind_hostdev_usb, other) {
                if (other == d)
                        break;
                if (is_same(DEVICE_AS(HostdevUsb, other), u))
                        device_error(
                                g, d, "<hostdev>: this device is already assigned to this guest in line %u",
                                other->place.line);
        }
}

/* For devices that are not named by their node: the launcher finds and opens the device, and QEMU gets the
 * descriptor. */
static void build_sought(const HostdevUsb *u, Props *device, Plan *p)
{
        const char *id = u->device.id;
        unsigned fd = plan_fd(p, false, fd_name_usb(id));
        Props add_fd = { json_object() };
        UsbRequest request = {
                .id = id,
                .vendor = (unsigned) u->vendor.value,
                .product = (unsigned) u->product.value,
                .port = u->port,
        };

        if (u->port || u->number.set)
                request.bus = (unsigned) u->bus.value;
        if (!u->port)
                request.device = (unsigned) u->number.value;
        plan_prepare(p, OPTION_USB, usb_request_write(&request));
        props_number(&add_fd, "set", fd);
        props_number(&add_fd, "fd", fd);
        plan_list_named(p, "-add-fd", &add_fd);
        props_textf(device, "hostdevice", "/dev/fdset/%u", fd);
        plan_directive(p, "DeviceAllow", "char-usb_device rw");
}

static void hostdev_usb_build(const Guest *g, const Device *d, Plan *p)
{
        const HostdevUsb *u = DEVICE_AS(HostdevUsb, d);
        Props device = props_new("driver", "usb-host");

        if (u->node) {
                plan_use(p, POLICY_HOST_DEVICES);
                plan_use(p, POLICY_USB);
                props_text(&device, "hostdevice", u->node);
                plan_grant_device(p, u->node, ACCESS_WRITE);
        } else {
                build_sought(u, &device, p);
        }
        if (u->reset) {
                props_bool(&device, "guest-reset", u->reset != RESET_OFF);
                if (u->reset != RESET_OFF)
                        props_bool(&device, "guest-resets-all", u->reset == RESET_ON);
        }
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_hostdev_usb = {
        .element = "hostdev",
        .type = "usb",
        .size = sizeof(HostdevUsb),
        .fields = fields,
        .has_boot = true,
        .complete = hostdev_usb_complete,
        .check = hostdev_usb_check,
        .build = hostdev_usb_build,
};
