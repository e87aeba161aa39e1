/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <video>: graphics cards. The primary one, which the firmware uses, comes first whatever its place in the
 * XML. The others have no VGA compatibility.
 */

#include "device/graphics/graphics.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/general.h"
#include "guest/machine/os.h"
#include "guest/place/device-props.h"
#include "guest/plan/bind.h"
#include "guest/xml/write.h"

typedef enum VideoModel {
        VIDEO_NONE = 1,
        VIDEO_VGA,
        VIDEO_CIRRUS,
        VIDEO_VMVGA,
        VIDEO_QXL,
        VIDEO_VIRTIO,
        VIDEO_BOCHS,
        VIDEO_RAMFB,
} VideoModel;

typedef enum VideoDriver {
        VIDEO_DRIVER_QEMU = 1,
        VIDEO_DRIVER_VHOST_USER,
} VideoDriver;

/*
 * Which device of QEMU a virtio card is. Newer versions of libvirt write it into the XML; otherwise it
 * follows from the rest.
 */
typedef enum VideoFrontend {
        FRONTEND_VIRTIO_VGA = 1,
        FRONTEND_VIRTIO_VGA_GL,
        FRONTEND_VIRTIO_GPU,
        FRONTEND_VIRTIO_GPU_GL,
        FRONTEND_VHOST_USER_VGA,
        FRONTEND_VHOST_USER_GPU,
} VideoFrontend;

typedef struct Video {
        Device device;
        int model, driver, frontend; /* VideoModel, VideoDriver, VideoFrontend */
        bool frontend_said;
        Tristate primary, blob, edid, accel3d, accel2d;
        Number ram, vram, vram64, vgamem; /* KiB */
        Number heads, x, y;
        const char *render_node;
        const char *served; /* socket of vhost-user-gpu */
} Video;

static const char *const model_words[] = { "none",   "vga",   "cirrus", "vmvga", "qxl",
                                           "virtio", "bochs", "ramfb",  NULL };
static const char *const driver_words[] = { "qemu", "vhostuser", NULL };

static const char *const frontend_words[] = {
        "virtio-vga",     "virtio-vga-gl",  "virtio-gpu", "virtio-gpu-gl",
        "vhost-user-vga", "vhost-user-gpu", NULL
};

static const struct {
        const char *device; /* QEMU's name on PCI */
        bool vga, gl, vhost_user;
} frontends[] = {
        [FRONTEND_VIRTIO_VGA] = { "virtio-vga", true, false, false },
        [FRONTEND_VIRTIO_VGA_GL] = { "virtio-vga-gl", true, true, false },
        [FRONTEND_VIRTIO_GPU] = { "virtio-gpu-pci", false, false, false },
        [FRONTEND_VIRTIO_GPU_GL] = { "virtio-gpu-gl-pci", false, true, false },
        [FRONTEND_VHOST_USER_VGA] = { "vhost-user-vga", true, false, true },
        [FRONTEND_VHOST_USER_GPU] = { "vhost-user-gpu-pci", false, false, true },
};

static const Field fields[] = {
        FIELD_OF_WORDS("model@type", Video, model, model_words),
        FIELD_OF_WORDS("model@device", Video, frontend, frontend_words),
        FIELD("model@primary", FIELD_YESNO, Video, primary),
        FIELD("model@blob", FIELD_SWITCH, Video, blob),
        FIELD("model@edid", FIELD_SWITCH, Video, edid),
        FIELD_IN_RANGE("model@ram", Video, ram, 1, UINT32_MAX >> 11),
        FIELD_IN_RANGE("model@vram", Video, vram, 1, UINT32_MAX >> 11),
        FIELD_IN_RANGE("model@vram64", Video, vram64, 0, UINT32_MAX),
        FIELD_IN_RANGE("model@vgamem", Video, vgamem, 1, UINT32_MAX >> 11),
        FIELD_IN_RANGE("model@heads", Video, heads, 1, 255),
        FIELD("model/acceleration@accel3d", FIELD_YESNO, Video, accel3d),
        FIELD("model/acceleration@accel2d", FIELD_YESNO, Video, accel2d),
        FIELD("model/acceleration@rendernode", FIELD_PATH, Video, render_node),
        FIELD_IN_RANGE("model/resolution@x", Video, x, 1, 65535),
        FIELD_IN_RANGE("model/resolution@y", Video, y, 1, 65535),
        FIELD_OF_WORDS("driver@name", Video, driver, driver_words),
        FIELD_SAID("driver@vgaconf", FIELD_IGNORED, NULL), /* for bhyve */
        {},
};

/* QEMU's names for a primary and a secondary card, and what they support. */
static const struct {
        const char *primary, *secondary;
        bool pci, resolution;
        unsigned vram; /* KiB, if the XML does not say */
} models[] = {
        [VIDEO_NONE] = { NULL, NULL, false, false, 0 },
        [VIDEO_VGA] = { "VGA", NULL, true, true, 16 * 1024 },
        [VIDEO_CIRRUS] = { "cirrus-vga", NULL, true, false, 16 * 1024 },
        [VIDEO_VMVGA] = { "vmware-svga", NULL, true, false, 16 * 1024 },
        [VIDEO_QXL] = { "qxl-vga", "qxl", true, true, 64 * 1024 },
        [VIDEO_VIRTIO] = { "virtio-vga", "virtio-gpu", true, true, 0 },
        [VIDEO_BOCHS] = { "bochs-display", NULL, true, true, 16 * 1024 },
        [VIDEO_RAMFB] = { "ramfb", NULL, false, false, 0 },
};

/* The smallest power of two that is at least n. */
static uint64_t round_up(uint64_t n)
{
        return n < 2 ? n : UINT64_C(1) << (64 - __builtin_clzll(n - 1));
}

/* Moves the video card before the guest's others; the devices between them stay in place. */
static void put_first(Guest *g, Device *video)
{
        Device *carried = video;

        for (size_t i = 0; i < g->n_devices; i++) {
                Device *here = g->devices[i];

                if (here->kind != &kind_video)
                        continue;
                g->devices[i] = carried;
                carried = here;
                if (here == video)
                        return;
        }
}

static void find_primary(Guest *g)
{
        Device *primary = NULL;
        unsigned n = 0;

        GUEST_FOREACH_DEVICE(g, &kind_video, d) {
                if (DEVICE_AS(Video, d)->primary != ON)
                        continue;
                if (primary)
                        device_error(g, d, "<video>: only one video card can have primary='yes'");
                primary = d;
        }
        if (primary)
                put_first(g, primary);
        GUEST_FOREACH_DEVICE(g, &kind_video, d) {
                DEVICE_AS(Video, d)->primary = n == 0 ? ON : OFF;
                d->index = n++;
        }
}

static void video_imply(Guest *g)
{
        size_t i = 0;

        if (!guest_next_device(g, &kind_video, &i) && graphics_have(g, NULL))
                (void) guest_add_device(g, &kind_video);
        find_primary(g);
}

static bool is_virtio(const Video *v)
{
        return v->model == VIDEO_VIRTIO;
}

static VideoFrontend default_frontend(const Guest *g, const Video *v)
{
        bool vga = v->device.index == 0 && os_is_x86(g->os); /* only PCs have VGA */

        if (v->driver == VIDEO_DRIVER_VHOST_USER)
                return vga ? FRONTEND_VHOST_USER_VGA : FRONTEND_VHOST_USER_GPU;
        if (v->accel3d == ON)
                return vga ? FRONTEND_VIRTIO_VGA_GL : FRONTEND_VIRTIO_GPU_GL;
        return vga ? FRONTEND_VIRTIO_VGA : FRONTEND_VIRTIO_GPU;
}

static void video_complete(Guest *g, Device *d)
{
        Video *v = DEVICE_AS(Video, d);

        device_set_id(g, d, "video%u", d->index);
        if (!v->model)
                v->model = os_is_x86(g->os) ? VIDEO_CIRRUS : VIDEO_VIRTIO;
        v->frontend_said = v->frontend != 0;
        if (!v->frontend_said && is_virtio(v))
                v->frontend = default_frontend(g, v);
        if (!v->heads.set)
                v->heads = (Number){ 1, true };
        if (!v->vram.set)
                v->vram.value = models[v->model].vram;
        if (v->model == VIDEO_QXL && !v->ram.set)
                v->ram.value = 64 * 1024;
        if (v->model == VIDEO_QXL && !v->vgamem.set)
                v->vgamem.value = 16 * 1024;
        v->vram.value = round_up(v->vram.value);
        v->ram.value = round_up(v->ram.value);
        if (v->driver == VIDEO_DRIVER_VHOST_USER) {
                v->served = bind_own_socket(
                        g, d->place, "video", guest_text(g, "%s-vhost-user-gpu.sock", d->id));
                device_warning(
                        g, d,
                        "<video>: vmunit does not start vhost-user-gpu, which must listen on %s; start it "
                        "from a unit with %sRuntimeDirectory=vm/%s and Before= the guest's unit",
                        v->served, g->settings->user_scope ? "" : "User=qemu, ", g->general->name ?: "");
        }
        if (is_virtio(v))
                device_virtio_complete(g, d, VIRTIO_MODEL);
        else if (models[v->model].pci)
                d->bus = BUS_PCI;
        if (d->bus == BUS_PCI && !is_virtio(v))
                d->pci = v->model == VIDEO_BOCHS ? PCI_EXPRESS : PCI_CONVENTIONAL;
}

static void check_memory(const Guest *g, const Video *v)
{
        const Device *d = &v->device;

        if (v->model == VIDEO_QXL &&
            (v->vgamem.value < 1024 || v->vgamem.value != round_up(v->vgamem.value)))
                device_error(
                        g, d, "<model>: vgamem='%llu' must be a power of two and at least 1024",
                        (unsigned long long) v->vgamem.value);
        if ((v->model == VIDEO_VGA || v->model == VIDEO_VMVGA || v->model == VIDEO_BOCHS) &&
            v->vram.value < 1024)
                device_error(
                        g, d, "<model>: vram='%llu' must be at least 1024",
                        (unsigned long long) v->vram.value);
        if (v->model != VIDEO_QXL && (v->ram.set || v->vram64.set || v->vgamem.set))
                device_error(g, d, "<model>: ram, vram64 and vgamem require type='qxl'");
}

static void check_frontend(const Guest *g, const Video *v)
{
        const Device *d = &v->device;
        const char *word;

        if (!v->frontend)
                return;
        word = frontend_words[v->frontend - 1];
        if (!is_virtio(v)) {
                device_error(g, d, "<model>: device='%s' requires type='virtio'", word);
                return;
        }
        if (!v->frontend_said)
                return;
        if (frontends[v->frontend].vga && (d->index > 0 || !os_is_x86(g->os)))
                device_error(
                        g, d,
                        "<model>: device='%s' is supported only for the primary video card of an x86 guest",
                        word);
        if (frontends[v->frontend].gl && v->accel3d != ON)
                device_error(g, d, "<model>: device='%s' requires <acceleration accel3d='yes'/>", word);
        if (frontends[v->frontend].vhost_user != (v->driver == VIDEO_DRIVER_VHOST_USER))
                device_error(
                        g, d, "<model>: device='%s' %s <driver name='vhostuser'/>", word,
                        frontends[v->frontend].vhost_user ? "requires" : "cannot be combined with");
}

/* Older versions of libvirt did not pass these to cards with VGA, and the guest must see the same. */
static bool takes_virtio_options(const Video *v)
{
        return v->frontend_said || !frontends[v->frontend].vga;
}

static unsigned count_videos(const Guest *g)
{
        unsigned n = 0;

        GUEST_FOREACH_DEVICE(g, &kind_video, d)
                n++;
        return n;
}

static void video_check(const Guest *g, const Device *d)
{
        const Video *v = DEVICE_AS(Video, d);
        const char *model = model_words[v->model - 1];

        if (d->index > 0 && !models[v->model].secondary && v->model != VIDEO_NONE)
                device_error(
                        g, d,
                        "<model>: type='%s' cannot be a secondary video card; use type='qxl' or "
                        "type='virtio'",
                        model);
        if (v->model == VIDEO_NONE && count_videos(g) > 1)
                device_error(g, d, "<model>: type='none' cannot be combined with other video cards");
        if (!models[v->model].pci && d->address.type != ADDRESS_NONE)
                device_error(g, d, "<model>: type='%s' cannot have an <address>", model);
        if (v->accel2d == ON)
                device_error(g, d, "<acceleration>: accel2d='yes' is not supported by QEMU");
        if (!is_virtio(v) && (v->accel3d == ON || v->blob || v->driver == VIDEO_DRIVER_VHOST_USER))
                device_error(
                        g, d,
                        "<video>: accel3d, blob and <driver name='vhostuser'/> require <model "
                        "type='virtio'>");
        if (is_virtio(v) && !takes_virtio_options(v) && device_has_virtio_options(d))
                device_warning(
                        g, d,
                        "<driver>: ignoring iommu, ats, packed and page_per_vq, which are supported only "
                        "for secondary video cards");
        if (v->accel3d == ON && v->driver != VIDEO_DRIVER_VHOST_USER && !graphics_have_gl(g))
                device_warning(
                        g, d,
                        "<acceleration>: accel3d='yes' requires <graphics> with <gl enable='yes'/> or of "
                        "type='egl-headless'");
        if (v->render_node && v->driver != VIDEO_DRIVER_VHOST_USER)
                device_error(
                        g, d,
                        "<acceleration>: rendernode requires <driver name='vhostuser'/>; otherwise set it "
                        "in <gl> of <graphics>");
        if (v->x.set != v->y.set)
                device_error(g, d, "<resolution>: x and y are required");
        if (v->x.set && !models[v->model].resolution)
                device_error(g, d, "<resolution>: type='%s' does not support a resolution", model);
        if (v->edid && v->model != VIDEO_VGA && v->model != VIDEO_BOCHS && !is_virtio(v))
                device_error(g, d, "<model>: type='%s' does not support edid", model);
        if (!is_virtio(v))
                device_no_virtio_options(g, d);
        check_memory(g, v);
        check_frontend(g, v);
}

static Props video_new(const Guest *g, const Video *v)
{
        bool primary = v->device.index == 0 && os_is_x86(g->os);
        Props p = props_new(
                "driver", primary || !models[v->model].secondary ? models[v->model].primary
                                                                 : models[v->model].secondary);

        if (!is_virtio(v))
                return p;
        if (v->frontend == FRONTEND_VIRTIO_GPU && v->device.address.type == ADDRESS_VIRTIO_MMIO)
                props_text(&p, "driver", "virtio-gpu-device");
        else
                props_text(&p, "driver", frontends[v->frontend].device);
        if (takes_virtio_options(v))
                device_virtio_props(&v->device, &p);
        return p;
}

static void build_served(const Video *v, Props *device, Plan *p)
{
        Props chardev = props_new("backend", "socket");

        props_textf(&chardev, "id", "chr-vu-%s", v->device.id);
        props_text(&chardev, "path", v->served);
        plan_list(p, "-chardev", &chardev);
        plan_peers(p);
        props_textf(device, "chardev", "chr-vu-%s", v->device.id);
}

static void video_build(const Guest *g, const Device *d, Plan *p)
{
        const Video *v = DEVICE_AS(Video, d);
        Props device;

        if (v->model == VIDEO_NONE)
                return;
        /* since QEMU 9.2 the memory of screens is one, or a file in /tmp if that fails */
        plan_calls(p, CALLS_MEMFD);
        device = video_new(g, v);
        if (v->model == VIDEO_QXL || is_virtio(v))
                props_number_if(&device, "max_outputs", v->heads);
        switch (v->model) {
        case VIDEO_QXL:
                props_number(&device, "ram_size", v->ram.value * KIB);
                props_number(&device, "vram_size", v->vram.value * KIB);
                props_number(&device, "vram64_size_mb", v->vram64.value / 1024);
                props_number(&device, "vgamem_mb", v->vgamem.value / 1024);
                break;
        case VIDEO_VGA:
        case VIDEO_VMVGA:
                props_number(&device, "vgamem_mb", v->vram.value / 1024);
                break;
        case VIDEO_BOCHS:
                props_number(&device, "vgamem", v->vram.value * KIB);
                break;
        case VIDEO_VIRTIO:
                props_bool_if(&device, "blob", v->blob);
                if (v->blob == ON)
                        plan_share_device(
                                p, "/dev/udmabuf"); /* QEMU shares buffers with the host's card through it */
                if (v->served)
                        build_served(v, &device, p);
                break;
        }
        props_bool_if(&device, "edid", v->edid);
        props_number_if(&device, "xres", v->x);
        props_number_if(&device, "yres", v->y);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

static int video_describe(const Guest *g, const Device *d, XmlElement *e)
{
        return xml_set(e, "model@type", model_words[DEVICE_AS(Video, d)->model - 1]);
}

const DeviceKind kind_video = {
        .element = "video",
        .size = sizeof(Video),
        .fields = fields,
        .has_virtio_options = true,
        .has_acpi_index = true,
        .imply = video_imply,
        .complete = video_complete,
        .check = video_check,
        .build = video_build,
        .describe = video_describe,
};
