/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <filesystem>: a directory of the host in the guest. QEMU serves 9p itself with the rights of the guest's
 * user; another program serves virtiofs and listens on a socket.
 */

#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/machine/general.h"
#include "guest/place/device-props.h"
#include "guest/plan/bind.h"
#include "guest/processor/memory.h"

#define TAG_MAX_9P       31 /* MAX_TAG_LEN of QEMU's hw/9pfs/9p.h, without its NUL */
#define TAG_MAX_VIRTIOFS 36 /* of the virtio specification */

typedef enum FilesystemDriver {
        FILESYSTEM_PATH = 1,
        FILESYSTEM_HANDLE,
        FILESYSTEM_VIRTIOFS,
} FilesystemDriver;

typedef enum FilesystemAccess {
        FILESYSTEM_PASSTHROUGH = 1,
        FILESYSTEM_MAPPED,
        FILESYSTEM_SQUASH,
} FilesystemAccess;

typedef enum FilesystemMultidevs {
        FILESYSTEM_MULTIDEVS_DEFAULT = 1,
        FILESYSTEM_MULTIDEVS_REMAP,
        FILESYSTEM_MULTIDEVS_FORBID,
        FILESYSTEM_MULTIDEVS_WARN,
} FilesystemMultidevs;

typedef struct Filesystem {
        Device device;
        int type, model;               /* "mount"; VirtioModel */
        int access, driver, multidevs; /* FilesystemAccess, FilesystemDriver, FilesystemMultidevs */
        int write_policy;
        const char *fmode, *dmode, *directory, *socket, *tag;
        Number queue;
        XmlElement *binary, *idmap;
        bool read_only;
        const char *served; /* the socket of virtiofs */
} Filesystem;

static const char *const type_words[] = { "mount", NULL };
static const char *const access_words[] = { "passthrough", "mapped", "squash", NULL };
static const char *const security_models[] = {
        "passthrough", /* by default */
        [FILESYSTEM_PASSTHROUGH] = "passthrough",
        [FILESYSTEM_MAPPED] = "mapped",
        [FILESYSTEM_SQUASH] = "none",
};
static const char *const driver_words[] = { "path", "handle", "virtiofs", NULL };
static const char *const policy_words[] = { "immediate", NULL };
static const char *const multidevs_words[] = { "default", "remap", "forbid", "warn", NULL };

static const Field fields[] = {
        FIELD_OF_WORDS("@type", Filesystem, type, type_words),
        FIELD_OF_WORDS("@accessmode", Filesystem, access, access_words),
        FIELD_OF_WORDS("@model", Filesystem, model, virtio_model_words),
        FIELD("@fmode", FIELD_TEXT, Filesystem, fmode),
        FIELD("@dmode", FIELD_TEXT, Filesystem, dmode),
        FIELD_OF_WORDS("@multidevs", Filesystem, multidevs, multidevs_words),
        FIELD_OF_WORDS("driver@type", Filesystem, driver, driver_words),
        FIELD_OF_WORDS("driver@wrpolicy", Filesystem, write_policy, policy_words),
        FIELD_IN_RANGE("driver@queue", Filesystem, queue, 1, 1024),
        FIELD("binary", FIELD_ELEMENT, Filesystem, binary),
        FIELD("idmap", FIELD_ELEMENT, Filesystem, idmap),
        FIELD("source@dir", FIELD_PATH, Filesystem, directory),
        FIELD("source@socket", FIELD_PATH, Filesystem, socket),
        FIELD("target@dir", FIELD_TEXT, Filesystem, tag),
        FIELD("readonly", FIELD_PRESENT, Filesystem, read_only),
        {},
};

static bool is_virtiofs(const Filesystem *f)
{
        return f->driver == FILESYSTEM_VIRTIOFS;
}

/* The administrator starts virtiofsd, so its options are accepted and not used. */
static void filesystem_read(Guest *g, Device *d)
{
        const Filesystem *f = DEVICE_AS(Filesystem, d);

        if (f->binary && is_virtiofs(f))
                xml_claim_all(f->binary);
        if (f->idmap && is_virtiofs(f))
                xml_claim_all(f->idmap);
}

static void filesystem_complete(Guest *g, Device *d)
{
        Filesystem *f = DEVICE_AS(Filesystem, d);

        device_set_next_id(g, d, "fs");
        device_virtio_complete(g, d, f->model);
        if (!is_virtiofs(f))
                return;
        f->served =
                f->socket ?: bind_own_socket(g, d->place, "filesystem", guest_text(g, "%s-fs.sock", d->id));
        if (!f->socket && g->settings->user_scope)
                device_warning(
                        g, d,
                        "<filesystem>: vmunit does not start virtiofsd: start one for %s that listens on %s "
                        "(or set <source socket='…'/>), from a unit with RuntimeDirectory=vm/%s and Before= "
                        "the guest's unit",
                        f->directory ?: "<source dir='…'/>", f->served, g->general->name ?: "");
        else if (!f->socket) /* with the rights of another user, it could not write into the share for the
                                guest */
                device_warning(
                        g, d,
                        "<filesystem>: vmunit does not start virtiofsd: start one for %s as root, from a "
                        "unit with RuntimeDirectory=virtiofsd-%s and Before= the guest's unit, with "
                        "--socket-group=qemu, and set <source socket='/run/virtiofsd-%s/%s.sock'/>; see "
                        "EXAMPLES in vmunit-guest(5)",
                        f->directory ?: "<source dir='…'/>", g->general->name ?: "", g->general->name ?: "",
                        d->id);
}

static bool mode_is_octal(const char *mode)
{
        size_t n = strlen(mode);

        return n >= 1 && n <= 4 && mode[strspn(mode, "01234567")] == '\0';
}

static void check_9p(const Guest *g, const Filesystem *f)
{
        const Device *d = &f->device;

        if (!f->directory)
                device_error(g, d, "<source>: dir='…' is missing");
        bind_check_directory(g, d->place, "source", f->directory);
        if (f->socket)
                device_error(g, d, "<source>: socket requires <driver type='virtiofs'/>");
        if ((f->fmode || f->dmode) && f->access != FILESYSTEM_MAPPED)
                device_error(g, d, "<filesystem>: fmode and dmode require accessmode='mapped'");
        if ((f->fmode && !mode_is_octal(f->fmode)) || (f->dmode && !mode_is_octal(f->dmode)))
                device_error(
                        g, d, "<filesystem>: fmode and dmode must be octal numbers of at most four digits");
        if (f->queue.set)
                device_error(g, d, "<driver>: queue requires type='virtiofs'");
        if (d->boot_order.set)
                device_error(g, d, "<boot>: booting requires <driver type='virtiofs'/>");
        if (f->driver == FILESYSTEM_HANDLE)
                device_warning(
                        g, d,
                        "<driver>: QEMU no longer supports type='handle'; using type='path', which looks "
                        "the same to the guest");
}

static void check_virtiofs(const Guest *g, const Filesystem *f)
{
        const Device *d = &f->device;

        if (!f->directory == !f->socket)
                device_error(g, d, "<source>: exactly one of dir='…' and socket='…' is required");
        if (f->access && f->access != FILESYSTEM_PASSTHROUGH)
                device_error(g, d, "<filesystem>: virtiofs requires accessmode='passthrough'");
        if (f->fmode || f->dmode || f->multidevs || f->write_policy)
                device_error(
                        g, d,
                        "<filesystem>: fmode, dmode, multidevs and wrpolicy are not supported with "
                        "virtiofs");
        memory_require_shared(g, d->place, "<filesystem>: virtiofs");
        if (f->model > VIRTIO_MODEL)
                device_error(g, d, "<filesystem>: virtiofs requires model='virtio'");
}

static void filesystem_check(const Guest *g, const Device *d)
{
        const Filesystem *f = DEVICE_AS(Filesystem, d);
        size_t limit = is_virtiofs(f) ? TAG_MAX_VIRTIOFS : TAG_MAX_9P;

        if (!f->tag)
                device_error(g, d, "<target>: dir='…' is missing; it is the tag that the guest mounts");
        else if (strlen(f->tag) > limit)
                device_error(
                        g, d, "<target>: dir='%s' is too long for a tag (at most %zu bytes)", f->tag, limit);
        GUEST_FOREACH_DEVICE(g, &kind_filesystem, other)
                if (other->index < d->index && streq_null(DEVICE_AS(Filesystem, other)->tag, f->tag))
                        device_error(
                                g, d, "<target>: dir='%s' is already used by another <filesystem>", f->tag);
        if (is_virtiofs(f))
                check_virtiofs(g, f);
        else
                check_9p(g, f);
}

static void build_9p(const Guest *g, const Filesystem *f, Plan *p)
{
        const Device *d = &f->device;
        Props fsdev = props_new("fsdriver", "local"), device = device_virtio_new(d, "virtio-9p", f->model);

        props_text(&fsdev, "security_model", security_models[f->access]);
        if (f->multidevs > FILESYSTEM_MULTIDEVS_DEFAULT)
                props_text(&fsdev, "multidevs", multidevs_words[f->multidevs - 1]);
        props_text(&fsdev, "fmode", f->fmode);
        props_text(&fsdev, "dmode", f->dmode);
        if (f->write_policy)
                props_text(&fsdev, "writeout", policy_words[f->write_policy - 1]);
        props_textf(&fsdev, "id", "fsdev-%s", d->id);
        props_text(&fsdev, "path", f->directory);
        if (f->read_only)
                props_bool(&fsdev, "readonly", true);
        plan_list(p, "-fsdev", &fsdev);
        plan_directive(p, f->read_only ? "BindReadOnlyPaths" : "BindPaths", "%s", f->directory);

        props_textf(&device, "fsdev", "fsdev-%s", d->id);
        props_text(&device, "mount_tag", f->tag);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

static void build_virtiofs(const Guest *g, const Filesystem *f, Plan *p)
{
        const Device *d = &f->device;
        Props chardev = props_new("backend", "socket"), device = props_new("driver", "vhost-user-fs-pci");

        props_textf(&chardev, "id", "chr-vu-%s", d->id);
        props_text(&chardev, "path", f->served);
        plan_list(p, "-chardev", &chardev);
        plan_peers(p);
        if (f->socket)
                plan_directive(p, "BindPaths", "%s", f->socket);

        props_textf(&device, "chardev", "chr-vu-%s", d->id);
        props_number_if(&device, "queue-size", f->queue);
        props_text(&device, "tag", f->tag);
        device_virtio_props(d, &device);
        device_props(g, d, &device);
        plan_json(p, "-device", &device);
}

static void filesystem_build(const Guest *g, const Device *d, Plan *p)
{
        const Filesystem *f = DEVICE_AS(Filesystem, d);

        plan_use(p, POLICY_HOST_DIRECTORIES);
        if (is_virtiofs(f))
                build_virtiofs(g, f, p);
        else
                build_9p(g, f, p);
}

const DeviceKind kind_filesystem = {
        .element = "filesystem",
        .size = sizeof(Filesystem),
        .fields = fields,
        .has_virtio_options = true,
        .has_boot = true,
        .has_acpi_index = true,
        .read = filesystem_read,
        .complete = filesystem_complete,
        .check = filesystem_check,
        .build = filesystem_build,
};
