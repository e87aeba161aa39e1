/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <audio>: the host's end of the guest's sound. A guest without one gets the one that libvirt would add:
 * that of its graphics where these carry sound (SPICE, SDL), otherwise none, which discards what the guest
 * plays.
 *
 * The sandbox hides sound cards and sound servers; only those that the <audio> needs are made visible.
 */

#include "device/graphics/audio.h"

#include "device/graphics/graphics.h"
#include "device/graphics/session.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

typedef enum AudioType {
        AUDIO_NONE = 1,
        AUDIO_ALSA,
        AUDIO_COREAUDIO,
        AUDIO_JACK,
        AUDIO_OSS,
        AUDIO_PULSEAUDIO,
        AUDIO_SDL,
        AUDIO_SPICE,
        AUDIO_FILE,
        AUDIO_DBUS,
        AUDIO_PIPEWIRE,
} AudioType;

/* One direction: recording or playback. */
typedef struct Stream {
        XmlElement *settings;
        Tristate mixing_engine, fixed_settings, exact_name, try_poll;
        Number voices, buffer_length, buffer_count, frequency, channels, latency;
        int format;
        const char *dev, *name, *stream_name, *server_name, *client_name, *connect_ports;
} Stream;

typedef struct Audio {
        Device device;
        Number number;
        int type; /* AudioType */
        Number timer_period, dsp_policy;
        Tristate try_mmap, exclusive;
        const char *server, *path, *sdl_driver, *runtime_directory;
        bool own_file; /* path is in the guest's state directory */
        Stream in, out;
} Audio;

static const char *const type_words[] = {
        "none", "alsa",  "coreaudio", "jack", "oss",      "pulseaudio",
        "sdl",  "spice", "file",      "dbus", "pipewire", NULL,
};
/* What QEMU calls them. */
static const char *const drivers[] = {
        [AUDIO_NONE] = "none", [AUDIO_ALSA] = "alsa",         [AUDIO_COREAUDIO] = "coreaudio",
        [AUDIO_JACK] = "jack", [AUDIO_OSS] = "oss",           [AUDIO_PULSEAUDIO] = "pa",
        [AUDIO_SDL] = "sdl",   [AUDIO_SPICE] = "spice",       [AUDIO_FILE] = "wav",
        [AUDIO_DBUS] = "dbus", [AUDIO_PIPEWIRE] = "pipewire",
};
static const char *const format_words[] = { "u8", "s8", "u16", "s16", "u32", "s32", "f32", NULL };
static const char *const sdl_words[] = { "esd", "alsa", "arts", "pulseaudio", NULL };

static const Field fields[] = {
        FIELD_IN_RANGE("@id", Audio, number, 1, UINT32_MAX),
        FIELD_OF_WORDS("@type", Audio, type, type_words),
        FIELD_IN_RANGE("@timerPeriod", Audio, timer_period, 0, UINT32_MAX),
        {},
};

/* What a type's element may have besides that, itself and in <input> and <output>. */
static const Field oss_fields[] = {
        FIELD("@tryMMap", FIELD_YESNO, Audio, try_mmap),
        FIELD("@exclusive", FIELD_YESNO, Audio, exclusive),
        FIELD_IN_RANGE("@dspPolicy", Audio, dsp_policy, 0, 10),
        {},
};
static const Field pulseaudio_fields[] = {
        FIELD("@serverName", FIELD_TEXT, Audio, server),
        {},
};
static const Field sdl_fields[] = {
        FIELD("@driver", FIELD_TEXT, Audio, sdl_driver),
        {},
};
static const Field file_fields[] = {
        FIELD("@path", FIELD_PATH, Audio, path),
        {},
};
static const Field pipewire_fields[] = {
        FIELD("@runtimeDir", FIELD_PATH, Audio, runtime_directory),
        {},
};

static const Field stream_fields[] = {
        FIELD("@mixingEngine", FIELD_YESNO, Stream, mixing_engine),
        FIELD("@fixedSettings", FIELD_YESNO, Stream, fixed_settings),
        FIELD_IN_RANGE("@voices", Stream, voices, 0, UINT32_MAX),
        FIELD_IN_RANGE("@bufferLength", Stream, buffer_length, 0, UINT32_MAX),
        FIELD("settings", FIELD_ELEMENT, Stream, settings),
        FIELD_IN_RANGE("settings@frequency", Stream, frequency, 1, UINT32_MAX),
        FIELD_IN_RANGE("settings@channels", Stream, channels, 1, UINT32_MAX),
        FIELD_OF_WORDS("settings@format", Stream, format, format_words),
        {},
};
static const Field alsa_stream_fields[] = {
        FIELD("@dev", FIELD_TEXT, Stream, dev),
        {},
};
static const Field count_stream_fields[] = {
        FIELD_IN_RANGE("@bufferCount", Stream, buffer_count, 0, UINT32_MAX),
        {},
};
static const Field oss_stream_fields[] = {
        FIELD("@dev", FIELD_PATH, Stream, dev),
        FIELD_IN_RANGE("@bufferCount", Stream, buffer_count, 0, UINT32_MAX),
        FIELD("@tryPoll", FIELD_YESNO, Stream, try_poll),
        {},
};
static const Field jack_stream_fields[] = {
        FIELD("@serverName", FIELD_TEXT, Stream, server_name),
        FIELD("@clientName", FIELD_TEXT, Stream, client_name),
        FIELD("@connectPorts", FIELD_TEXT, Stream, connect_ports),
        FIELD("@exactName", FIELD_YESNO, Stream, exact_name),
        {},
};
static const Field named_stream_fields[] = {
        FIELD("@name", FIELD_TEXT, Stream, name),
        FIELD("@streamName", FIELD_TEXT, Stream, stream_name),
        FIELD_IN_RANGE("@latency", Stream, latency, 0, UINT32_MAX),
        {},
};

static const struct {
        const Field *fields, *stream_fields;
} of_type[] = {
        [AUDIO_ALSA] = { NULL, alsa_stream_fields },
        [AUDIO_COREAUDIO] = { NULL, count_stream_fields },
        [AUDIO_JACK] = { NULL, jack_stream_fields },
        [AUDIO_OSS] = { oss_fields, oss_stream_fields },
        [AUDIO_PULSEAUDIO] = { pulseaudio_fields, named_stream_fields },
        [AUDIO_SDL] = { sdl_fields, count_stream_fields },
        [AUDIO_FILE] = { file_fields, NULL },
        [AUDIO_PIPEWIRE] = { pipewire_fields, named_stream_fields },
};

static void read_stream(Guest *g, Audio *a, const char *name, Stream *s)
{
        XmlElement *e = xml_child(a->device.xml, name);

        if (!e)
                return;
        fields_read(e, stream_fields, s, g->findings);
        if ((size_t) a->type < ELEMENTS(of_type) && of_type[a->type].stream_fields)
                fields_read(e, of_type[a->type].stream_fields, s, g->findings);
        if (s->fixed_settings == ON && s->mixing_engine == OFF)
                guest_error(
                        g, e->place, "<%s>: fixedSettings='yes' cannot be combined with mixingEngine='no'",
                        name);
        if (s->settings && s->fixed_settings != ON)
                guest_error(g, s->settings->place, "<settings>: requires <%s fixedSettings='yes'>", name);
}

/*
 * A plain file name would be relative to QEMU's working directory; it goes to the guest's state directory
 * instead.
 */
static void read_own_file(Audio *a)
{
        const char *name = xml_attribute(a->device.xml, "path") ?: "qemu.wav";

        if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ||
            !*name || *name == '.')
                return;
        a->path = name;
        a->own_file = true;
}

static void audio_read(Guest *g, Device *d)
{
        Audio *a = DEVICE_AS(Audio, d);

        if (!xml_attribute(d->xml, "id"))
                device_error(g, d, "<audio>: id='…' is missing");
        if (!xml_attribute(d->xml, "type"))
                device_error(g, d, "<audio>: type='…' is missing");
        if (a->type == AUDIO_FILE)
                read_own_file(a);
        if ((size_t) a->type < ELEMENTS(of_type) && of_type[a->type].fields && !a->own_file)
                fields_read(d->xml, of_type[a->type].fields, a, g->findings);
        read_stream(g, a, "input", &a->in);
        read_stream(g, a, "output", &a->out);
}

static void audio_imply(Guest *g)
{
        size_t i = 0;
        Audio *a;

        if (guest_next_device(g, &kind_audio, &i))
                return;
        a = DEVICE_AS(Audio, guest_add_device(g, &kind_audio));
        if (!a)
                return;
        a->number = (Number){ 1, true };
        a->type = AUDIO_NONE;
        if (graphics_have(g, &kind_graphics_spice))
                a->type = AUDIO_SPICE;
        else if (graphics_have(g, &kind_graphics_sdl))
                a->type = AUDIO_SDL;
}

/* Often left over after <graphics type='spice'> was removed; newer QEMUs refuse to start with it. */
static void complete_spice(Guest *g, Audio *a)
{
        if (a->type != AUDIO_SPICE || graphics_have(g, &kind_graphics_spice))
                return;
        a->type = AUDIO_NONE;
        device_warning(
                g, &a->device,
                "<audio>: type='spice' requires <graphics type='spice'>; without it, the guest's sound is "
                "discarded (type='none')");
}

static void audio_complete(Guest *g, Device *d)
{
        Audio *a = DEVICE_AS(Audio, d);

        complete_spice(g, a);
        if (a->own_file)
                a->path = guest_text(g, "%s/%s", g->settings->state_directory, a->path);
        d->user_id = false; /* the id comes from the number even if the XML has an alias */
        device_set_id(g, d, "audio%llu", (unsigned long long) a->number.value);
}

static void audio_check(const Guest *g, const Device *d)
{
        const Audio *a = DEVICE_AS(Audio, d);

        GUEST_FOREACH_DEVICE(g, &kind_audio, other) {
                const Audio *b = DEVICE_AS(Audio, other);

                if (other->index < d->index && a->number.set && b->number.value == a->number.value)
                        device_error(
                                g, d, "<audio>: id='%llu' is already used by another <audio>",
                                (unsigned long long) a->number.value);
        }
        if (a->type == AUDIO_COREAUDIO)
                device_warning(
                        g, d,
                        "<audio>: type='coreaudio' exists only on macOS; QEMU will not start with it on "
                        "Linux");
        if (a->type == AUDIO_DBUS && !graphics_have(g, &kind_graphics_dbus))
                device_error(g, d, "<audio>: type='dbus' requires <graphics type='dbus'>");
        if (a->type == AUDIO_SDL && a->sdl_driver && !words_find(sdl_words, a->sdl_driver))
                device_error(
                        g, d, "<audio>: driver='%s' must be one of: esd, alsa, arts, pulseaudio%s",
                        a->sdl_driver, words_hint(sdl_words, a->sdl_driver).text);
}

static void build_stream(const Stream *s, Props *audio, const char *key)
{
        Props p = { json_object() };

        props_bool_if(&p, "mixing-engine", s->mixing_engine);
        props_bool_if(&p, "fixed-settings", s->fixed_settings);
        props_number_if(&p, "voices", s->voices);
        if (s->buffer_length.value > 0)
                props_number(&p, "buffer-length", s->buffer_length.value);
        props_number_if(&p, "frequency", s->frequency);
        props_number_if(&p, "channels", s->channels);
        if (s->format)
                props_text(&p, "format", format_words[s->format - 1]);
        props_text(&p, "dev", s->dev);
        props_number_if(&p, "buffer-count", s->buffer_count);
        props_bool_if(&p, "try-poll", s->try_poll);
        props_text(&p, "name", s->name);
        props_text(&p, "stream-name", s->stream_name);
        props_number_if(&p, "latency", s->latency);
        props_text(&p, "server-name", s->server_name);
        props_text(&p, "client-name", s->client_name);
        props_text(&p, "connect-ports", s->connect_ports);
        props_bool_if(&p, "exact-name", s->exact_name);
        if (json_object_size(p.json) > 0)
                props_json_value(audio, key, json_incref(p.json));
        audio->failed = audio->failed || p.failed;
        props_done(&p);
}

/* Makes visible what the sandbox hides: sockets of the user's sound server, and sound cards. */
static void grant_host(const Guest *g, const Audio *a, Plan *p)
{
        switch (a->type) {
        case AUDIO_ALSA:
                plan_peers(p); /* its plugins mix the sound of several programs */
                plan_directive(p, "DeviceAllow", "char-alsa rw");
                plan_directive(p, "BindPaths", "/dev/snd");
                if (!g->settings->user_scope)
                        plan_directive(p, "SupplementaryGroups", "audio");
                break;
        case AUDIO_JACK:
                plan_peers(p);
                break;
        case AUDIO_OSS:
                plan_share_device(p, a->in.dev ?: "/dev/dsp");
                plan_share_device(p, a->out.dev ?: "/dev/dsp");
                if (!g->settings->user_scope)
                        plan_directive(p, "SupplementaryGroups", "audio");
                break;
        case AUDIO_PULSEAUDIO:
                plan_peers(p);
                plan_calls(p, CALLS_MEMFD);
                if (a->server && a->server[0] == '/')
                        plan_directive(p, "BindPaths", "%s", a->server);
                else if (a->server)
                        plan_network(p, NETWORK_ANY);
                else
                        session_show_pulseaudio(g, p);
                break;
        case AUDIO_PIPEWIRE:
                plan_peers(p);
                plan_calls(p, CALLS_MEMFD);
                if (a->runtime_directory) {
                        plan_directive(p, "BindPaths", "%s", a->runtime_directory);
                        plan_directive(p, "Environment", "PIPEWIRE_RUNTIME_DIR=%s", a->runtime_directory);
                } else
                        session_show_pipewire(g, p);
                break;
        case AUDIO_SDL:
                plan_peers(p);
                plan_calls(p, CALLS_MEMFD);
                if (a->sdl_driver)
                        plan_directive(p, "Environment", "SDL_AUDIODRIVER=%s", a->sdl_driver);
                session_show_pulseaudio(g, p);
                session_show_pipewire(g, p);
                break;
        case AUDIO_FILE:
                if (!a->own_file)
                        plan_grant(p, a->path, ACCESS_WRITE);
                break;
        }
}

static void audio_build(const Guest *g, const Device *d, Plan *p)
{
        const Audio *a = DEVICE_AS(Audio, d);
        Props audio = props_new("id", d->id);

        props_text(&audio, "driver", drivers[a->type]);
        props_number_if(&audio, "timer-period", a->timer_period);
        props_bool_if(&audio, "try-mmap", a->try_mmap);
        props_bool_if(&audio, "exclusive", a->exclusive);
        props_number_if(&audio, "dsp-policy", a->dsp_policy);
        props_text(&audio, "server", a->server);
        props_text(&audio, "path", a->path);
        build_stream(&a->in, &audio, "in");
        build_stream(&a->out, &audio, "out");
        plan_json(p, "-audiodev", &audio);
        grant_host(g, a, p);
}

const char *audio_id(const Guest *g, Number id)
{
        GUEST_FOREACH_DEVICE(g, &kind_audio, d)
                if (!id.set || DEVICE_AS(Audio, d)->number.value == id.value)
                        return d->id;
        return NULL;
}

const DeviceKind kind_audio = {
        .element = "audio",
        .size = sizeof(Audio),
        .fields = fields,
        .read = audio_read,
        .imply = audio_imply,
        .complete = audio_complete,
        .check = audio_check,
        .build = audio_build,
};
