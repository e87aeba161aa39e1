/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Interfaces that have a TAP or a macvtap on the host. vm-launcher opens it, or asks vm-broker for it where
 * the guest is a user's, and QEMU gets the descriptors: so QEMU needs no privilege for its network.
 *
 * Names of interfaces end up in options of vm-launcher and in netlink messages of a privileged process. They
 * are checked here and there once more.
 */

#include "contract/fd-name.h"
#include "contract/options.h"
#include "device/interface/interface.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/general.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define INTERFACE_NAME_MAX 15 /* IFNAMSIZ of Linux, without its NUL */

bool interface_has_tap(const Interface *i)
{
        return i->type == INTERFACE_ETHERNET || i->type == INTERFACE_BRIDGE || i->type == INTERFACE_DIRECT;
}

bool interface_name_is_plain(const char *name)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
        size_t n = strlen(name);

        return n > 0 && n <= INTERFACE_NAME_MAX && name[strspn(name, plain)] == '\0' && !streq(name, ".") &&
               !streq(name, "..");
}

/* libvirt makes up such names at each start, and they stay in XML that was dumped from a running guest. */
static bool name_is_generated(const char *name)
{
        static const char *const prefixes[] = { "vnet", "macvtap", "macvlan" };

        for (size_t i = 0; i < ELEMENTS(prefixes); i++) {
                const char *number = text_after(name, prefixes[i]);

                if (number && *number && number[strspn(number, "0123456789")] == '\0')
                        return true;
        }
        return false;
}

static const char name_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* In the place of a number, which would change with each fragment. */
static const char *tap_tag(Guest *g, const char *fragment)
{
        uint64_t hash = text_hash(fragment, strlen(fragment));

        return guest_text(
                g, "%c%c%c", name_digits[10 + hash % 22], name_digits[hash >> 8 & 31],
                name_digits[hash >> 16 & 31]);
}

/* "vm-NAME-0" where that fits; otherwise the first letters of the name and a hash of all of it. */
static const char *tap_name(Guest *g, const Interface *i)
{
        const XmlElement *e = i->device.xml;
        const char *fragment = e && !e->instead_of ? e->fragment : NULL;
        const char *name = g->general->name,
                   *number = fragment ? tap_tag(g, fragment) : guest_text(g, "%u", i->device.index);
        const char *full = guest_text(g, "vm-%s-%s", name, number);
        uint64_t hash = text_hash(name, strlen(name));
        char letters[4], tag[6];
        size_t n = 0;

        if (interface_name_is_plain(full))
                return full;
        for (; *name && n < sizeof(letters) - 1; name++)
                if ((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                    (*name >= '0' && *name <= '9'))
                        letters[n++] = *name;
        letters[n] = '\0';
        for (n = 0; n < sizeof(tag) - 1; n++, hash >>= 5)
                tag[n] = name_digits[hash & 31];
        tag[n] = '\0';
        return guest_text(g, "vm-%s%s-%s", letters, tag, number);
}

/* A user's guest gets its TAP from the broker, which creates and names it. */
static bool is_brokers(const Guest *g, const Interface *i)
{
        return g->settings->user_scope && i->type == INTERFACE_BRIDGE;
}

void interface_tap_complete(Guest *g, Interface *i)
{
        if (i->managed == OFF && !i->target)
                device_error(
                        g, &i->device,
                        "<target>: managed='no' requires dev='…', the name of an existing TAP device");
        if (is_brokers(g, i)) {
                if (i->target && !name_is_generated(i->target))
                        device_warning(
                                g, &i->device, "<target>: ignoring dev='%s': vm-broker names the TAP device",
                                i->target);
                i->target = NULL;
                return;
        }
        if (!i->target || (name_is_generated(i->target) && i->managed != OFF))
                i->target = tap_name(g, i);
        if (i->type == INTERFACE_DIRECT && !i->source.direct_mode)
                i->source.direct_mode = DIRECT_VEPA;
}

static void check_name(const Guest *g, const Interface *i, const char *what, const char *name)
{
        if (!name)
                device_error(g, &i->device, "<source>: %s='…' is missing", what);
        else if (!interface_name_is_plain(name))
                device_error(
                        g, &i->device,
                        "<%s>: '%s' is not a valid interface name (at most %d letters, digits, \"_\", \"-\" "
                        "or \".\")",
                        streq(what, "target") ? "target" : "source", name, INTERFACE_NAME_MAX);
}

/* Only the broker has CAP_NET_ADMIN for users, and it makes only TAPs on bridges. */
static void check_user_scope(const Guest *g, const Interface *i)
{
        const Device *d = &i->device;

        if (is_brokers(g, i) && i->queues.value > BROKER_QUEUES_MAX)
                device_error(
                        g, d, "<driver>: queues must be at most %u for a user's guest on a bridge",
                        BROKER_QUEUES_MAX);
        if (i->type == INTERFACE_DIRECT)
                device_error(
                        g, d,
                        "<interface>: a user's guest cannot have a macvtap device (type='direct'); attach "
                        "%s to a bridge and use type='bridge', or use type='user'",
                        i->source.dev ?: "the host's interface");
        if (i->type == INTERFACE_ETHERNET && i->managed != OFF)
                device_error(
                        g, d,
                        "<interface>: a user's guest cannot create a TAP device; use type='bridge', or a "
                        "TAP device that root created for you, with <target dev='…' managed='no'/>");
}

void interface_tap_check(const Guest *g, const Interface *i)
{
        const Device *d = &i->device;

        if (g->settings->user_scope)
                check_user_scope(g, i);
        if (!is_brokers(g, i))
                check_name(g, i, "target", i->target);
        if (i->type == INTERFACE_BRIDGE)
                check_name(g, i, "bridge", i->source.bridge);
        if (i->type == INTERFACE_DIRECT)
                check_name(g, i, "dev", i->source.dev);
        if (i->managed != OFF && text_after(i->mac, "fe:"))
                device_error(
                        g, d,
                        "<mac>: '%s' must not begin with fe, which is reserved for the host's end of the "
                        "interface",
                        i->mac);
        if (i->managed == OFF && i->type != INTERFACE_ETHERNET)
                device_error(g, d, "<target>: managed='no' requires <interface type='ethernet'>");
        if (i->script || i->downscript) {
                if (i->type != INTERFACE_ETHERNET)
                        device_error(g, d, "<script>: requires <interface type='ethernet'>");
                else
                        device_warning(
                                g, d,
                                "<script>: ignored; to run it, add ExecStartPre= to the guest's unit with "
                                "systemctl edit");
        }
        GUEST_FOREACH_DEVICE(g, &kind_interface, other) {
                const Interface *o = DEVICE_AS(Interface, other);

                if (other->index < d->index && interface_has_tap(o) && i->target &&
                    streq_null(o->target, i->target))
                        device_error(g, d, "<target>: '%s' is already used by another interface", i->target);
        }
}

/* "fd" and one number, or "fds" and several, separated by colons. */
static void set_descriptors(
        Props *netdev, const char *one, const char *several, const unsigned *fds, unsigned n)
{
        char text[TAP_QUEUES_MAX * 12];
        size_t used = 0;

        for (unsigned q = 0; q < n; q++)
                used += (size_t) snprintf(text + used, sizeof(text) - used, "%s%u", q ? ":" : "", fds[q]);
        props_text(netdev, n > 1 ? several : one, text);
}

/* The launcher only compares it with what its guest has, and leaves the rest to the helper. */
static void plan_bandwidth(const TapRequest *q, Plan *p)
{
        plan_run(
                p, "--" OPTION_BANDWIDTH "=%s:%llu:%llu:%llu:%llu:%llu", q->id,
                (unsigned long long) q->inbound.average, (unsigned long long) q->inbound.peak,
                (unsigned long long) q->inbound.burst, (unsigned long long) q->outbound.average,
                (unsigned long long) q->outbound.burst);
}

static VhostMode wants_vhost(const Interface *i)
{
        if (!i->virtio_model || i->driver == INTERFACE_DRIVER_QEMU)
                return VHOST_NO;
        return i->driver == INTERFACE_DRIVER_VHOST ? VHOST_REQUIRE : VHOST_TRY;
}

void interface_tap_build(const Guest *g, const Interface *i, Props *netdev, Plan *p)
{
        unsigned fds[TAP_QUEUES_MAX] = { 0 }, n = i->queues.value > 1 ? (unsigned) i->queues.value : 1;
        const char *id = i->netdev_id;
        const char *mac;
        VhostMode vhost = wants_vhost(i);
        TapRequest tap = {
                .id = i->netdev_id,
                .interface = i->target,
                .mtu = (unsigned) i->mtu.value,
                .queues = n,
                .down = i->link_down,
                .vhost = vhost,
                .unmanaged = i->managed == OFF,
                .broker = is_brokers(g, i),
        };

        /* a macvtap passes only frames to the guest's own address, and so does the broker's port */
        mac = i->type == INTERFACE_DIRECT || tap.broker ? i->mac : i->host_mac;
        if (!tap.unmanaged && mac)
                (void) text_to_mac(mac, tap.mac);
        if (i->type == INTERFACE_BRIDGE)
                tap.bridge = i->source.bridge;
        if (i->type == INTERFACE_DIRECT) {
                tap.lower = i->source.dev;
                (void) macvtap_mode_from_word(direct_mode_words[i->source.direct_mode - 1], &tap.mode);
        }
        interface_port_plan(&i->port, &tap);
        plan_tap(p, &tap);
        if (tap.inbound.average || tap.outbound.average)
                plan_bandwidth(&tap, p);

        for (unsigned q = 0; q < n; q++)
                fds[q] = plan_fd(p, false, fd_name_tap(id, q));
        set_descriptors(netdev, "fd", "fds", fds, n);
        if (vhost != VHOST_NO) {
                props_bool(netdev, "vhost", true);
                for (unsigned q = 0; q < n; q++)
                        fds[q] = plan_fd(p, vhost == VHOST_TRY, fd_name_vhost(id, q));
                set_descriptors(netdev, "vhostfd", "vhostfds", fds, n);
        }
        props_number_if(netdev, "sndbuf", i->sndbuf);
}
