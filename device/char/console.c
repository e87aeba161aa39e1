/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <console>. Unless it is a virtio console, the first one is only another name for the first serial port: if
 * the XML has a serial port, it adds nothing; if not, it describes it. libvirt has always done so, and
 * writes both.
 */

#include "device/char/chardev.h"
#include "device/char/serial.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

typedef enum ConsoleTarget {
        CONSOLE_SERIAL = 1,
        CONSOLE_VIRTIO,
} ConsoleTarget;

typedef struct Console {
        Device device;
        Chardev chardev;
        int target; /* ConsoleTarget */
} Console;

static const char *const target_words[] = { "serial", "virtio", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("target@type", Console, target, target_words),
        FIELD_SAID("target@port", FIELD_IGNORED, NULL), /* used only by libvirt */
        {},
};

static void console_read(Guest *g, Device *d)
{
        Console *c = DEVICE_AS(Console, d);

        chardev_read(g, d->xml, &c->chardev);
        if (!c->target)
                c->target = CONSOLE_SERIAL;
        if (c->target == CONSOLE_SERIAL && d->index > 0)
                device_error(
                        g, d,
                        "<console>: only the first one can have <target type='serial'/>; use <target "
                        "type='virtio'/>");
}

static bool has_serial(const Guest *g)
{
        size_t i = 0;

        return guest_next_device(g, &kind_serial, &i) != NULL;
}

static void console_imply(Guest *g)
{
        size_t i = 0;
        const Device *first = guest_next_device(g, &kind_console, &i);
        const Console *c = DEVICE_AS(Console, first);

        if (c && c->target == CONSOLE_SERIAL && !has_serial(g))
                serial_imply(g, first, &c->chardev);
}

/* If no serial port is a pty, the first virtio console that is one is "console". */
static const char *console_label(Guest *g, const Console *c)
{
        bool taken = serial_is_console(g);

        GUEST_FOREACH_DEVICE(g, &kind_console, other) {
                const Console *o = DEVICE_AS(Console, other);

                if (o->target != CONSOLE_VIRTIO || o->chardev.type != CHARDEV_PTY)
                        continue;
                if (!taken && o == c)
                        return "console";
                break;
        }
        return guest_text(g, "console%u", c->device.index);
}

/* 1 if the serial port counts as a console without having a <console>. */
static unsigned counts_serial(const Guest *g)
{
        size_t i = 0;
        const Console *first = DEVICE_AS(Console, guest_next_device(g, &kind_console, &i));

        return first && first->target == CONSOLE_VIRTIO && serial_is_on_board(g);
}

static void console_complete(Guest *g, Device *d)
{
        Console *c = DEVICE_AS(Console, d);

        if (c->target != CONSOLE_VIRTIO) {
                d->address.type = ADDRESS_NONE; /* its address is the serial port's */
                return;
        }
        if (c->chardev.type == CHARDEV_PTY && d->index < CONSOLES_MAX / 2)
                c->chardev.console_label = console_label(g, c);
        device_set_id(g, d, "console%u", d->index + counts_serial(g));
        d->bus = BUS_VIRTIO_SERIAL;
}

static void console_check(const Guest *g, const Device *d)
{
        const Console *c = DEVICE_AS(Console, d);

        if (c->target == CONSOLE_VIRTIO)
                chardev_check(g, &c->chardev);
}

static void console_build(const Guest *g, const Device *d, Plan *p)
{
        const Console *c = DEVICE_AS(Console, d);
        Props device;

        if (c->target != CONSOLE_VIRTIO)
                return;
        chardev_build(g, p, &c->chardev, d->id);
        device = props_new("driver", "virtconsole");
        props_textf(&device, "chardev", "char%s", d->id);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_console = {
        .element = "console",
        .size = sizeof(Console),
        .fields = fields,
        .has_acpi_index = true,
        .imply = console_imply,
        .read = console_read,
        .complete = console_complete,
        .check = console_check,
        .build = console_build,
};
