/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <input>: keyboards and pointing devices. PS/2 devices are part of every PC and need no option. Others plug
 * into USB or PCI, pass an event device of the host to the guest, or mirror one (evdev).
 */

#include "device/hostdev/hostdev.h"
#include "device/kinds.h"

#include "guest/guest.h"
#include "guest/machine/features.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

typedef enum InputType {
        INPUT_MOUSE = 1,
        INPUT_TABLET,
        INPUT_KEYBOARD,
        INPUT_PASSTHROUGH,
        INPUT_EVDEV,
} InputType;

typedef enum InputBus {
        INPUT_BUS_PS2 = 1,
        INPUT_BUS_USB,
        INPUT_BUS_VIRTIO,
} InputBus;

typedef struct Input {
        Device device;
        int type;  /* InputType */
        int bus;   /* InputBus; 0 for evdev, which the guest does not see as a device of its own */
        int model; /* VirtioModel */
        const char *evdev, *source;
        Tristate repeat;
        int grab, grab_toggle;
} Input;

static const char *const type_words[] = { "mouse", "tablet", "keyboard", "passthrough", "evdev", NULL };
static const char *const bus_words[] = { "ps2", "usb", "virtio", NULL };
static const char *const grab_words[] = { "all", NULL };
static const char *const toggle_words[] = {
        "ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock", NULL,
};

static const Field fields[] = {
        FIELD_OF_WORDS("@type", Input, type, type_words),
        FIELD_OF_WORDS("@bus", Input, bus, bus_words),
        FIELD_OF_WORDS("@model", Input, model, virtio_model_words),
        FIELD("source@evdev", FIELD_PATH, Input, evdev), /* of passthrough */
        FIELD("source@dev", FIELD_PATH, Input, source),  /* of evdev */
        FIELD("source@repeat", FIELD_SWITCH, Input, repeat),
        FIELD_OF_WORDS("source@grab", Input, grab, grab_words),
        FIELD_OF_WORDS("source@grabToggle", Input, grab_toggle, toggle_words),
        {},
};

static void input_complete(Guest *g, Device *d)
{
        Input *i = DEVICE_AS(Input, d);

        device_set_id(g, d, "input%u", d->index);
        if (!i->bus && i->type == INPUT_PASSTHROUGH)
                i->bus = INPUT_BUS_VIRTIO;
        else if (!i->bus && i->type != INPUT_EVDEV)
                i->bus = i->type != INPUT_TABLET && os_is_x86(g->os) ? INPUT_BUS_PS2 : INPUT_BUS_USB;
        if (i->bus == INPUT_BUS_USB)
                d->bus = BUS_USB;
        else if (i->bus == INPUT_BUS_VIRTIO)
                device_virtio_complete(g, d, i->model);
}

static void check_source(const Guest *g, const Input *i)
{
        const Device *d = &i->device;

        if (i->type == INPUT_PASSTHROUGH && !i->evdev)
                device_error(g, d, "<input>: <source evdev='/dev/input/…'/> is missing");
        if (i->type != INPUT_PASSTHROUGH && i->evdev)
                device_error(g, d, "<input>: <source evdev='…'/> requires type='passthrough'");
        if (i->type == INPUT_EVDEV && !i->source)
                device_error(g, d, "<input>: <source dev='/dev/input/…'/> is missing");
        if (i->type != INPUT_EVDEV && (i->source || i->repeat || i->grab || i->grab_toggle))
                device_error(
                        g, d, "<input>: dev, repeat, grab and grabToggle of <source> require type='evdev'");
}

static void input_check(const Guest *g, const Device *d)
{
        const Input *i = DEVICE_AS(Input, d);

        if (!i->type) {
                device_error(g, d, "<input>: type='…' is missing");
                return;
        }
        if (i->bus && i->type == INPUT_EVDEV)
                device_error(g, d, "<input>: bus='…' cannot be combined with type='evdev'");
        if (i->bus == INPUT_BUS_PS2 && i->type != INPUT_MOUSE && i->type != INPUT_KEYBOARD)
                device_error(
                        g, d, "<input>: type='%s' cannot be combined with bus='ps2'",
                        type_words[i->type - 1]);
        if (i->bus == INPUT_BUS_PS2 && (!os_is_x86(g->os) || g->features->ps2 == OFF))
                device_error(
                        g, d,
                        "<input>: this machine type has no PS/2 devices; use bus='usb' or bus='virtio'");
        if (i->bus == INPUT_BUS_USB && i->type == INPUT_PASSTHROUGH)
                device_error(g, d, "<input>: type='passthrough' requires bus='virtio'");
        if (i->bus != INPUT_BUS_VIRTIO && i->model)
                device_error(g, d, "<input>: model requires bus='virtio'");
        if (i->model > VIRTIO_MODEL && i->type != INPUT_PASSTHROUGH)
                device_error(
                        g, d, "<input>: model='%s' requires type='passthrough'",
                        virtio_model_words[i->model - 1]);
        if (i->bus != INPUT_BUS_VIRTIO && i->bus != INPUT_BUS_USB && d->address.type != ADDRESS_NONE)
                device_error(g, d, "<input>: <address> requires bus='usb' or bus='virtio'");
        if (i->bus != INPUT_BUS_VIRTIO)
                device_no_virtio_options(g, d);
        check_source(g, i);
}

static void build_evdev(const Input *i, Plan *p)
{
        Props object = props_new("qom-type", "input-linux");

        props_text(&object, "id", i->device.id);
        props_text(&object, "evdev", i->source);
        props_bool_if(&object, "repeat", i->repeat);
        if (i->grab)
                props_bool(&object, "grab_all", true);
        if (i->grab_toggle)
                props_text(&object, "grab-toggle", toggle_words[i->grab_toggle - 1]);
        plan_json(p, "-object", &object);
        plan_use(p, POLICY_HOST_DEVICES);
        plan_grant_device(p, i->source, ACCESS_WRITE);
}

static void build_usb(const Guest *g, const Input *i, Plan *p)
{
        static const char *const drivers[] = { NULL, "usb-mouse", "usb-tablet", "usb-kbd" };
        Props device = props_new("driver", drivers[i->type]);

        device_props(g, &i->device, &device);
        plan_json(p, "-device", &device);
}

static void build_virtio(const Guest *g, const Input *i, Plan *p)
{
        static const char *const drivers[] = { NULL, "virtio-mouse", "virtio-tablet", "virtio-keyboard",
                                               "virtio-input-host" };
        Props device = device_virtio_new(&i->device, drivers[i->type], i->model);

        if (i->type == INPUT_PASSTHROUGH) {
                props_text(&device, "evdev", i->evdev);
                plan_use(p, POLICY_HOST_DEVICES);
                plan_grant_device(p, i->evdev, ACCESS_WRITE);
        }
        device_props(g, &i->device, &device);
        plan_json(p, "-device", &device);
}

static void input_build(const Guest *g, const Device *d, Plan *p)
{
        const Input *i = DEVICE_AS(Input, d);

        if (i->type == INPUT_EVDEV)
                build_evdev(i, p);
        else if (i->bus == INPUT_BUS_USB)
                build_usb(g, i, p);
        else if (i->bus == INPUT_BUS_VIRTIO)
                build_virtio(g, i, p);
}

const DeviceKind kind_input = {
        .element = "input",
        .size = sizeof(Input),
        .fields = fields,
        .has_virtio_options = true,
        .complete = input_complete,
        .check = input_check,
        .build = input_build,
};
