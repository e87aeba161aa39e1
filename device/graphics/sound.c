/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <sound>: the guest's sound card, connected to one of its <audio>. HDA cards have codecs, and get a duplex
 * one by default.
 */

#include "device/graphics/audio.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define CODECS_MAX 8

typedef enum SoundModel {
        SOUND_SB16 = 1,
        SOUND_ES1370,
        SOUND_PCSPK,
        SOUND_AC97,
        SOUND_ICH6,
        SOUND_ICH9,
        SOUND_USB,
        SOUND_VIRTIO,
} SoundModel;

typedef enum SoundCodec {
        CODEC_DUPLEX = 1,
        CODEC_MICRO,
        CODEC_OUTPUT,
} SoundCodec;

typedef struct Sound {
        Device device;
        int model;              /* SoundModel */
        int codecs[CODECS_MAX]; /* SoundCodec */
        unsigned n_codecs;
        Number audio, streams;
        Tristate multichannel;
} Sound;

static const char *const model_words[] = { "sb16", "es1370", "pcspk",  "ac97", "ich6",
                                           "ich9", "usb",    "virtio", NULL };
static const char *const codec_words[] = { "duplex", "micro", "output", NULL };

/* What QEMU calls them; the PC speaker is not a device of its own. */
static const char *const drivers[] = {
        [SOUND_SB16] = "sb16",           [SOUND_ES1370] = "ES1370",       [SOUND_AC97] = "AC97",
        [SOUND_ICH6] = "intel-hda",      [SOUND_ICH9] = "ich9-intel-hda", [SOUND_USB] = "usb-audio",
        [SOUND_VIRTIO] = "virtio-sound",
};
static const char *const codec_drivers[] = {
        [CODEC_DUPLEX] = "hda-duplex",
        [CODEC_MICRO] = "hda-micro",
        [CODEC_OUTPUT] = "hda-output",
};

static const Field fields[] = {
        FIELD_OF_WORDS("@model", Sound, model, model_words),
        FIELD("@multichannel", FIELD_YESNO, Sound, multichannel),
        FIELD_IN_RANGE("@streams", Sound, streams, 1, 64),
        FIELD_IN_RANGE("audio@id", Sound, audio, 1, UINT32_MAX),
        {},
};

static bool is_hda(const Sound *s)
{
        return s->model == SOUND_ICH6 || s->model == SOUND_ICH9;
}

static void sound_read(Guest *g, Device *d)
{
        Sound *s = DEVICE_AS(Sound, d);

        if (!xml_attribute(d->xml, "model"))
                device_error(g, d, "<sound>: model='…' is missing");
        XML_FOREACH(e, d->xml, "codec") {
                const char *type = xml_attribute(e, "type");
                int codec = type ? words_find(codec_words, type) : 0;

                if (!codec)
                        guest_error(
                                g, e->place, "<codec>: type='%s' must be one of: duplex, micro, output%s",
                                type ?: "", words_hint(codec_words, type ?: "").text);
                else if (s->n_codecs == CODECS_MAX)
                        guest_error(
                                g, e->place, "<codec>: a sound card can have at most %d codecs", CODECS_MAX);
                else
                        s->codecs[s->n_codecs++] = codec;
        }
}

static void sound_complete(Guest *g, Device *d)
{
        Sound *s = DEVICE_AS(Sound, d);

        device_set_id(g, d, "sound%u", d->index);
        switch (s->model) {
        case SOUND_USB:
                d->bus = BUS_USB;
                break;
        case SOUND_VIRTIO:
                device_virtio_complete(g, d, VIRTIO_MODEL);
                if (!s->streams.set)
                        s->streams = (Number){ 2, true };
                break;
        case SOUND_ES1370:
        case SOUND_AC97:
        case SOUND_ICH6:
        case SOUND_ICH9:
                d->bus = BUS_PCI;
                d->pci = PCI_CONVENTIONAL;
                break;
        }
        if (s->model == SOUND_ICH9)
                d->pci_preferred = (Number){ 0x1b << 3, true }; /* where the real chipset has it */
        if (is_hda(s) && s->n_codecs == 0)
                s->codecs[s->n_codecs++] = CODEC_DUPLEX;
}

static void sound_check(const Guest *g, const Device *d)
{
        const Sound *s = DEVICE_AS(Sound, d);

        if (s->n_codecs > 0 && !is_hda(s))
                device_error(g, d, "<codec>: requires <sound model='ich6'> or <sound model='ich9'>");
        if (s->multichannel && s->model != SOUND_USB)
                device_error(g, d, "<sound>: multichannel requires model='usb'");
        if (s->streams.set && s->model != SOUND_VIRTIO)
                device_error(g, d, "<sound>: streams requires model='virtio'");
        if (s->model != SOUND_VIRTIO)
                device_no_virtio_options(g, d);
        if (s->model == SOUND_PCSPK && !os_is_x86(g->os))
                device_error(g, d, "<sound>: this machine type has no PC speaker");
        if (!audio_id(g, s->audio))
                device_error(
                        g, d, "<audio>: this guest has no <audio id='%llu'>",
                        (unsigned long long) s->audio.value);
}

/* The speaker is part of every PC; only its sound needs a destination. */
static void sound_machine(const Guest *g, const Device *d, Props *machine)
{
        const Sound *s = DEVICE_AS(Sound, d);

        if (s->model == SOUND_PCSPK)
                props_text(machine, "pcspk-audiodev", audio_id(g, s->audio));
}

static void build_codec(const Guest *g, const Sound *s, unsigned i, Plan *p)
{
        Props codec = props_new("driver", codec_drivers[s->codecs[i]]);

        props_textf(&codec, "id", "%s-codec%u", s->device.id, i);
        props_textf(&codec, "bus", "%s.0", s->device.id);
        props_number(&codec, "cad", i);
        props_text(&codec, "audiodev", audio_id(g, s->audio));
        plan_json(p, "-device", &codec);
}

static void sound_build(const Guest *g, const Device *d, Plan *p)
{
        const Sound *s = DEVICE_AS(Sound, d);
        Props device;

        if (s->model == SOUND_PCSPK)
                return;
        device = s->model == SOUND_VIRTIO ? device_virtio_new(d, drivers[s->model], VIRTIO_MODEL)
                                          : props_new("driver", drivers[s->model]);
        if (!is_hda(s))
                props_text(&device, "audiodev", audio_id(g, s->audio));
        props_bool_if(&device, "multi", s->multichannel);
        props_number_if(&device, "streams", s->streams);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
        for (unsigned i = 0; i < s->n_codecs; i++)
                build_codec(g, s, i, p);
}

const DeviceKind kind_sound = {
        .element = "sound",
        .size = sizeof(Sound),
        .fields = fields,
        .has_virtio_options = true,
        .has_acpi_index = true,
        .read = sound_read,
        .complete = sound_complete,
        .check = sound_check,
        .machine = sound_machine,
        .build = sound_build,
};
