/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <serial>: a serial port. It is on the ISA bus unless the XML or the address says USB or PCI; on Arm it is
 * part of the board.
 */

#include "device/char/serial.h"

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define ISA_PORTS_MAX 4

typedef enum SerialTarget {
        SERIAL_ISA = 1,
        SERIAL_USB,
        SERIAL_PCI,
        SERIAL_SYSTEM,
        SERIAL_ISA_DEBUG,
} SerialTarget;

typedef enum SerialModel {
        MODEL_ISA = 1,
        MODEL_USB,
        MODEL_PCI,
        MODEL_PL011,
        MODEL_16550A,
        MODEL_ISA_DEBUGCON,
} SerialModel;

typedef struct Serial {
        Device device;
        Chardev chardev;
        int target; /* SerialTarget */
        int model;  /* SerialModel */
        Number port;
        const char *on_board; /* of SERIAL_SYSTEM: the board takes these options in order */
} Serial;

static const char *const target_words[] = {
        "isa-serial", "usb-serial", "pci-serial", "system-serial", "isa-debug", NULL,
};
static const char *const model_words[] = {
        "isa-serial", "usb-serial", "pci-serial", "pl011", "16550a", "isa-debugcon", NULL,
};

static const Field fields[] = {
        FIELD_OF_WORDS("target@type", Serial, target, target_words),
        FIELD_IN_RANGE("target@port", Serial, port, 0, INT32_MAX),
        FIELD_OF_WORDS("target/model@name", Serial, model, model_words),
        {},
};

/* The default model of each target, and the type of address that it can have. */
static const struct {
        int model;
        AddressType address;
} targets[] = {
        [SERIAL_ISA] = { MODEL_ISA, ADDRESS_ISA },
        [SERIAL_USB] = { MODEL_USB, ADDRESS_USB },
        [SERIAL_PCI] = { MODEL_PCI, ADDRESS_PCI },
        [SERIAL_SYSTEM] = { MODEL_PL011, ADDRESS_NONE },
        [SERIAL_ISA_DEBUG] = { MODEL_ISA_DEBUGCON, ADDRESS_ISA },
};

static void serial_read(Guest *g, Device *d)
{
        chardev_read(g, d->xml, &DEVICE_AS(Serial, d)->chardev);
}

void serial_imply(Guest *g, const Device *console, const Chardev *chardev)
{
        Serial *s = DEVICE_AS(Serial, guest_add_device(g, &kind_serial));

        if (!s)
                return;
        s->chardev = *chardev;
        s->device.place = console->place;
        s->device.address = console->address;
        s->device.id = console->id;
        s->device.user_id = console->user_id;
}

static int default_target(const Guest *g, const Device *d)
{
        if (d->address.type == ADDRESS_USB)
                return SERIAL_USB;
        if (d->address.type == ADDRESS_PCI)
                return SERIAL_PCI;
        return os_is_x86(g->os) ? SERIAL_ISA : SERIAL_SYSTEM;
}

/* The number after the highest one of all serial ports of the same target. */
static void choose_port(Guest *g, Serial *s)
{
        uint64_t port = 0;

        GUEST_FOREACH_DEVICE(g, &kind_serial, other) {
                const Serial *o = DEVICE_AS(Serial, other);

                if (o->port.set && o->port.value >= port &&
                    (o->target ?: default_target(g, other)) == s->target)
                        port = o->port.value + 1;
        }
        s->port = (Number){ port, true };
}

static const Device *first_pty(const Guest *g)
{
        GUEST_FOREACH_DEVICE(g, &kind_serial, d)
                if (DEVICE_AS(Serial, d)->chardev.type == CHARDEV_PTY)
                        return d;
        return NULL;
}

bool serial_is_on_board(const Guest *g)
{
        size_t i = 0;
        const Device *first = guest_next_device(g, &kind_serial, &i);
        int target = first ? DEVICE_AS(Serial, first)->target ?: default_target(g, first) : 0;

        return target == SERIAL_ISA || target == SERIAL_SYSTEM;
}

bool serial_is_console(const Guest *g)
{
        return first_pty(g) != NULL;
}

/* "vmctl console" attaches to the first pty; the others are named by number. */
static const char *console_label(Guest *g, const Serial *s)
{
        return first_pty(g) == &s->device ? "console" : guest_text(g, "serial%u", s->device.index);
}

static void serial_complete(Guest *g, Device *d)
{
        Serial *s = DEVICE_AS(Serial, d);

        if (!s->target)
                s->target = default_target(g, d);
        if (!s->model)
                s->model = targets[s->target].model;
        if (!s->port.set)
                choose_port(g, s);
        if (s->chardev.type == CHARDEV_PTY && d->index < CONSOLES_MAX / 2)
                s->chardev.console_label = console_label(g, s);
        device_set_id(g, d, "serial%u", d->index);
        if (s->target == SERIAL_SYSTEM)
                s->on_board = guest_text(g, "chardev:char%s", d->id);
        if (s->target == SERIAL_USB) {
                d->bus = BUS_USB;
        } else if (s->target == SERIAL_PCI) {
                d->bus = BUS_PCI;
                d->pci = PCI_CONVENTIONAL;
        }
}

static void check_port(const Guest *g, const Serial *s)
{
        if (s->port.value >= ISA_PORTS_MAX) {
                device_error(
                        g, &s->device, "<serial>: a guest can have at most %u serial ports on the ISA bus",
                        ISA_PORTS_MAX);
                return;
        }
        GUEST_FOREACH_DEVICE(g, &kind_serial, other) {
                const Serial *o = DEVICE_AS(Serial, other);

                if (o == s)
                        break;
                if (o->target == SERIAL_ISA && o->port.value == s->port.value)
                        device_error(
                                g, &s->device, "<serial>: port %u is already used by another serial port",
                                (unsigned) s->port.value);
        }
}

static void serial_check(const Guest *g, const Device *d)
{
        const Serial *s = DEVICE_AS(Serial, d);
        bool on_board = s->target == SERIAL_SYSTEM;
        bool isa = s->target == SERIAL_ISA || s->target == SERIAL_ISA_DEBUG;

        chardev_check(g, &s->chardev);
        if (s->model != targets[s->target].model)
                device_error(
                        g, d, "<serial>: <target type='%s'> cannot be combined with <model name='%s'/>",
                        target_words[s->target - 1], model_words[s->model - 1]);
        if ((on_board && g->os->family != MACHINE_VIRT) || (isa && g->os->family == MACHINE_VIRT))
                device_error(
                        g, d, "<serial>: this machine type does not support <target type='%s'>",
                        target_words[s->target - 1]);
        if (d->bus == BUS_NONE && d->address.type != ADDRESS_NONE &&
            d->address.type != targets[s->target].address)
                device_error(
                        g, d, "<serial>: <target type='%s'> cannot have an <address> of this type",
                        target_words[s->target - 1]);
        if (s->target == SERIAL_ISA)
                check_port(g, s);
}

static void serial_build(const Guest *g, const Device *d, Plan *p)
{
        const Serial *s = DEVICE_AS(Serial, d);
        Props device;

        chardev_build(g, p, &s->chardev, d->id);
        if (s->target == SERIAL_SYSTEM) {
                plan_value(p, "-serial", s->on_board);
                return;
        }
        device = props_new("driver", model_words[s->model - 1]);
        props_textf(&device, "chardev", "char%s", d->id);
        if (s->target == SERIAL_ISA)
                props_number(&device, "index", s->port.value);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

const DeviceKind kind_serial = {
        .element = "serial",
        .size = sizeof(Serial),
        .fields = fields,
        .has_acpi_index = true,
        .read = serial_read,
        .complete = serial_complete,
        .check = serial_check,
        .build = serial_build,
};
